// The smallest reader: one call of the portal with the token that the state diagram keeps.
import {
  choose,
  end,
  input,
  is,
  isNot,
  matches,
  output,
  post,
  set,
  start,
  text,
  when,
} from '../format/nodes.mjs'
import { httpRefusal } from './first-token.mjs'
import { read } from './give-token.mjs'
import { leadNotes } from './words.mjs'

const failed = (title) => end(title, { failed: true })

export default {
  name: 'create-lead',
  id: 1000005,
  type: 'process',
  title: 'Create a new lead (example)',
  description: leadNotes,
  params: [input('title', 'title of the lead'), output('lead_id', '')],
  nodes: {
    start: start('settings'),
    settings: set(
      'Settings',
      { storage_id: '' },
      {
        next: 'complete',
        error: 'unreadable',
        about: text`storage_id: the number of the state diagram "Bitrix Token storage", as its address in the browser shows it.`,
      },
    ),
    complete: choose(
      'Is storage_id filled in, and a title given?',
      [
        when('noTitle', is('{{title}}', '')),
        when('read', matches('{{storage_id}}', '^[1-9][0-9]*$')),
      ],
      'noStorage',
    ),
    noTitle: failed('title is empty: add the task again with a title'),
    noStorage: failed('storage_id is missing: fill it in in the node Settings'),
    read: set(
      'Read the token',
      { access_token: read('access_token'), client_endpoint: read('client_endpoint') },
      { next: 'tokenThere', error: 'unreadable' },
    ),
    tokenThere: choose(
      'Is there a token?',
      [when('lead', isNot('{{access_token}}', ''), matches('{{client_endpoint}}', '^https://'))],
      'unreadable',
    ),
    unreadable: failed('No token to read: look at storage_id, at the rights, at "Bitrix OAuth"'),
    lead: post('Create a new lead', {
      url: '{{client_endpoint}}crm.lead.add.json',
      form: { auth: '{{access_token}}', 'fields[TITLE]': '{{title}}' },
      answer: { lead_id: '{{body.result}}', lead_error: '{{body.error}}' },
      next: 'check',
      error: 'leadFailed',
      timer: { seconds: 120, next: 'unknown' },
      about:
        'Not repeated after a lost answer: the lead may be there, and a second one is not wanted.',
    }),
    check: choose(
      'Check the result',
      [when('created', matches('{{lead_id}}', '^[1-9][0-9]*$'))],
      'refused',
    ),
    created: end('The lead is created'),
    leadFailed: choose('Did the portal refuse?', [httpRefusal('refused')], 'unknown'),
    refused: failed('The portal refused: is the token renewed, has the application the right crm?'),
    unknown: failed('No answer: look whether the lead is there before you repeat'),
  },
  layout: [
    ['start'],
    ['settings'],
    ['complete', 'noTitle', 'noStorage'],
    ['read'],
    ['tokenThere', 'unreadable'],
    ['lead', 'leadFailed', 'unknown'],
    ['check', 'refused'],
    ['created'],
  ],
}
