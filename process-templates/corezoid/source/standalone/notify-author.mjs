// Words for a person, and one way to send them. Made to be customised.
import {
  choose,
  copy,
  end,
  input,
  is,
  matches,
  output,
  post,
  reply,
  set,
  start,
  text,
  wait,
  when,
} from '../format/nodes.mjs'
import { copyTag } from './saving.mjs'
import { notifierNotes } from './words.mjs'

const noting = { to: 'token-storage', ref: 'token', mode: 'modify' }
const noted = { told: '{{state}}', store_told: '' }

export default {
  name: 'notify-author',
  id: 1000003,
  type: 'process',
  title: 'Notify the author',
  description: notifierNotes,
  params: [
    input('state', 'what is wrong, in one word; ok: it is over'),
    input('reason', 'what is wrong, in a sentence'),
    input('advice', 'what to do'),
    input('link', 'consent link, where a new consent is needed'),
    input('portal', 'host of the portal'),
    input('client_id', 'which application'),
    input('note', 'filled in by the Token storage; leave it empty'),
    output('told', 'yes'),
  ],
  nodes: {
    start: start('settings'),
    settings: set(
      'Settings',
      { alert_url: '' },
      {
        next: 'kind',
        error: 'notSent',
        about: text`alert_url: an https address that takes the message as JSON (kind, state, title, text, link). Empty: the message is only
          kept in the last node, "The message". No secret belongs into the address.`,
      },
    ),
    kind: choose('Bad news or good?', [when('good', is('{{state}}', 'ok'))], 'bad'),
    bad: set(
      'Write: not renewed',
      {
        kind: 'escalation',
        title: '"access_token" is not renewed: escalation to the process author',
        text: 'Portal: {{portal}}. Application: {{client_id}}. Reason: {{reason}}. What to do: {{advice}}. {{link}}',
      },
      { next: 'channel', error: 'notSent' },
    ),
    good: set(
      'Write: renewed again',
      {
        kind: 'recovery',
        title: '"access_token" is renewed again',
        text: 'Portal: {{portal}}. Application: {{client_id}}. Nothing has to be done.',
        link: '',
      },
      { next: 'channel', error: 'notSent' },
    ),
    channel: choose(
      'Is there an address to send it to?',
      [when('asker', is('{{alert_url}}', '')), when('send', matches('{{alert_url}}', '^https://'))],
      'notSent',
      { about: 'Put your own channel here: an e-mail, Telegram or SMS node.' },
    ),
    send: post('Send the message', {
      url: '{{alert_url}}',
      json: {
        kind: '{{kind}}',
        state: '{{state}}',
        title: '{{title}}',
        text: '{{text}}',
        portal: '{{portal}}',
        client_id: '{{client_id}}',
        link: '{{link}}',
      },
      next: 'asker',
      error: 'sendFailed',
      timer: { seconds: 90, next: 'notSent' },
    }),
    sendFailed: choose(
      'Was it taken all the same?',
      [when('asker', is('{{__conveyor_api_return_type_tag__}}', 'api_no_valid_json'))],
      'notSent',
      { about: 'An answer of 200 that is not JSON is good enough.' },
    ),
    asker: choose(
      'Does the Token storage want to know?',
      [when('note', is('{{note}}', 'yes'))],
      'reply',
      { about: 'It asks by itself when "Bitrix OAuth" takes no task, and waits for no reply.' },
    ),
    note: copy('Note what the author knows', {
      ...noting,
      data: noted,
      next: 'reply',
      error: 'noteFailed',
    }),
    noteFailed: choose(
      'Was the record moving?',
      [copyTag('noteSoon', '^no_api_callback_in_node_with_task$')],
      'reply',
    ),
    noteSoon: wait('Half a minute', { seconds: 30 }, 'noteAgain'),
    noteAgain: copy('Note it now', { ...noting, data: noted, next: 'reply', error: 'reply' }),
    reply: reply('Reply: told', { data: { told: 'yes' }, next: 'message' }),
    message: end('The message', { keep: true }),
    notSent: reply('Reply: not told', {
      data: { told: 'no' },
      exception: 'The message could not be sent',
      next: 'lost',
    }),
    lost: end('The message could not be sent: look at alert_url', { failed: true, keep: true }),
  },
  layout: [
    ['start'],
    ['settings'],
    ['kind', 'good'],
    ['bad'],
    ['channel', 'send', 'sendFailed', 'notSent'],
    ['asker', 'note', 'noteFailed', 'lost'],
    ['reply', 'noteAgain', 'noteSoon'],
    ['message'],
  ],
}
