// The second way to read: whoever calls this process gets a token with enough life left; it is renewed only for that.
import {
  atLeast,
  atMost,
  below,
  choose,
  copy,
  end,
  input,
  inSeconds,
  is,
  isNot,
  matches,
  number,
  output,
  reply,
  secretInput,
  secretOutput,
  set,
  start,
  text,
  wait,
  when,
} from '../format/nodes.mjs'
import { copyTag } from './saving.mjs'
import { giveNotes } from './words.mjs'

export const read = (name) => `{{conv[{{storage_id}}].ref[token].${name}}}`
const refuse = (title, error, description) =>
  set(
    title,
    { access_token: '', error, error_description: description },
    { next: 'answer', error: 'answer' },
  )
const given = (title, short, about) =>
  set(
    title,
    { short, error: '', error_description: '' },
    { next: 'answer', error: 'answer', about },
  )

export default {
  name: 'give-token',
  id: 1000004,
  type: 'process',
  title: 'Give a Bitrix24 token',
  description: giveNotes,
  params: [
    input('min_ttl', 'seconds that the token must still live: 0 to 2400; empty means 60'),
    secretInput('stale_token', 'a token that the portal called expired_token, if any'),
    secretOutput('access_token', ''),
    output('expires_at', 'Unix time'),
    output('client_endpoint', "where the portal's methods are"),
    output('short', 'yes: it lives, but not as long as was asked'),
    output('error', 'empty, or instead of a token'),
    output('error_description', 'what to do'),
  ],
  nodes: {
    start: start('settings'),
    settings: set(
      'Settings',
      { storage_id: '', asked: '', looks: number('0') },
      {
        next: 'storageNamed',
        error: 'unreadable',
        about: text`storage_id: the number of the state diagram "Bitrix Token storage", as its address in the browser shows it.`,
      },
    ),
    storageNamed: choose(
      'Is storage_id filled in?',
      [when('lifeNamed', matches('{{storage_id}}', '^[1-9][0-9]*$'))],
      'noStorage',
    ),
    noStorage: refuse(
      'storage_id is missing: fill it in in the node Settings',
      'settings',
      'Fill in storage_id in the node Settings of "Give a Bitrix24 token"',
    ),
    lifeNamed: choose(
      'How long must it live?',
      [
        when('defaultLife', is('{{min_ttl}}', '')),
        when('read', matches('{{min_ttl}}', '^[0-9]{1,4}$'), atMost('{{min_ttl}}', 2400)),
      ],
      'badLife',
    ),
    defaultLife: set('A minute', { min_ttl: '60' }, { next: 'read', error: 'badLife' }),
    badLife: refuse(
      'min_ttl must be a number from 0 to 2400',
      'invalid_request',
      'min_ttl must be a number of seconds from 0 to 2400',
    ),
    read: set(
      'Read the Token storage',
      {
        access_token: read('access_token'),
        expires_at: read('expires_at'),
        received_at: read('received_at'),
        client_endpoint: read('client_endpoint'),
        state: read('state'),
        reason: read('reason'),
      },
      { next: 'tokenThere', error: 'unreadable' },
    ),
    unreadable: refuse(
      'The Token storage cannot be read: look at storage_id and the rights',
      'storage_unreadable',
      'The Token storage cannot be read: look at storage_id and at the rights to the state diagram',
    ),
    tokenThere: choose(
      'Is there a token?',
      [
        when('notAuthorized', is('{{access_token}}', '')),
        when('life', matches('{{expires_at}}', '^[0-9]+$'), matches('{{received_at}}', '^[0-9]+$')),
      ],
      'unreadable',
    ),
    notAuthorized: refuse(
      'There is no token: add a task with a code in "Bitrix OAuth"',
      'not_authorized',
      'There is no token yet: add a task with a code in "Bitrix OAuth"',
    ),
    life: set(
      'How much life is left?',
      {
        left: number('$.math({{expires_at}}-$.unixtime())'),
        age: number('$.math($.unixtime()-{{received_at}})'),
      },
      { next: 'enough', error: 'unreadable' },
    ),
    enough: choose(
      'Is it enough?',
      [
        when(
          'good',
          atLeast('{{left}}', '{{min_ttl}}'),
          atLeast('{{left}}', 1),
          isNot('{{access_token}}', '{{stale_token}}'),
        ),
        when('asking', is('{{state}}', 'ok'), isNot('{{asked}}', 'yes'), atLeast('{{age}}', 1200)),
        when('lookAgain', is('{{state}}', 'renewing'), below('{{looks}}', 40)),
      ],
      'short',
      {
        about: text`A pair younger than 20 minutes is not renewed, whoever asks: three renewals an hour are enough, and Bitrix24 may block
          applications that renew too often.`,
      },
    ),
    good: given('It is', ''),
    asking: copy('Ask for a renewal', {
      to: 'token-storage',
      ref: 'token',
      mode: 'modify',
      data: { renew_if_received_at: '{{received_at}}' },
      next: 'noteAsked',
      error: 'askFailed',
      about: 'Names the pair that is meant: however many ask, it is renewed once.',
    }),
    askFailed: choose(
      'Is there a record at all?',
      [copyTag('notAuthorized', '^not_found_task$')],
      'noteAsked',
    ),
    noteAsked: set('Asked once', { asked: 'yes' }, { next: 'lookAgain', error: 'unreadable' }),
    lookAgain: set(
      'Look again in three seconds',
      { look_at: inSeconds(3) },
      { next: 'pause', error: 'unreadable' },
    ),
    pause: wait('Three seconds', { until: '{{look_at}}' }, 'countLook'),
    countLook: set(
      'Count the looks',
      { looks: number('$.math({{looks}}+1)') },
      { next: 'read', error: 'unreadable' },
    ),
    short: choose(
      'Does it live at all?',
      [when('shortLife', atLeast('{{left}}', 1), isNot('{{access_token}}', '{{stale_token}}'))],
      'delayed',
    ),
    shortLife: given('It lives, but not as long as was asked', 'yes'),
    delayed: refuse(
      'It cannot be renewed now',
      'renewal_delayed',
      'There is no living token now (state: {{state}}). {{reason}}',
    ),
    answer: reply('Answer', {
      data: {
        access_token: '{{access_token}}',
        expires_at: '{{expires_at}}',
        client_endpoint: '{{client_endpoint}}',
        short: '{{short}}',
        error: '{{error}}',
        error_description: '{{error_description}}',
      },
      next: 'done',
    }),
    done: end('Answered'),
  },
  layout: [
    ['start'],
    ['settings'],
    ['storageNamed', 'noStorage'],
    ['lifeNamed', 'defaultLife', 'badLife'],
    ['read', 'unreadable', null, 'countLook'],
    ['tokenThere', 'notAuthorized', null, 'pause'],
    ['life', null, null, 'lookAgain'],
    ['enough', 'asking', 'askFailed', 'noteAsked'],
    ['good', 'short', 'delayed'],
    ['answer', 'shortLife'],
    ['done'],
  ],
}
