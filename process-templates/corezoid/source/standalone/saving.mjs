// A new pair goes into the state diagram in one modification; until it is there, this task holds it.
import {
  atMost,
  choose,
  copy,
  either,
  inSeconds,
  is,
  isNot,
  matches,
  now,
  number,
  set,
  text,
  wait,
  when,
} from '../format/nodes.mjs'

const record = {
  access_token: '{{access_token}}',
  refresh_token: '{{refresh_token}}',
  expires_at: number('{{expires_at}}'),
  renew_at: number('{{renew_at}}'),
  received_at: number('{{received_at}}'),
  client_endpoint: '{{client_endpoint}}',
  granted_scope: '{{granted_scope}}',
  scope: '{{scope}}',
  portal_host: '{{portal_host}}',
  client_id: '{{client_id}}',
  client_secret: '{{client_secret}}',
  state: 'ok',
  reason: '',
  advice: '',
  link: '',
  lost: '',
  command: '',
  renew_if_received_at: '',
  store_told: '{{store_told}}',
  news: '',
  news_told: '',
}

/** The tag stands under one of two names, by the version of Corezoid. */
export const copyTag = (next, pattern) =>
  either(
    next,
    matches('{{__conveyor_copy_task_return_type_tag__}}', pattern),
    matches('{{__conveyor_modify_task_return_type_tag__}}', pattern),
  )

export const saving = {
  keep: set(
    'Keep the new token pair',
    {
      access_token: '{{new_access_token}}',
      refresh_token: '{{new_refresh_token}}',
      code: '',
    },
    {
      next: 'addressNamed',
      error: 'addressNamed',
      about: text`The one place where the old pair is replaced. From here on nothing is asked of Bitrix24 again until the pair is saved.
        If Corezoid loses this task between the answer and "Save the pair", the pair is lost and consent is needed again.`,
    },
  ),
  addressNamed: choose(
    "Does the answer name the portal's address?",
    [when('noteAddress', matches('{{new_client_endpoint}}', '^https://'))],
    'lifetimeNamed',
  ),
  noteAddress: set(
    "Note the portal's address",
    { client_endpoint: '{{new_client_endpoint}}' },
    { next: 'lifetimeNamed', error: 'lifetimeNamed' },
  ),
  lifetimeNamed: choose(
    'Does the answer say how long it lives?',
    [when('dates', matches('{{new_expires_in}}', '^[1-9][0-9]{1,6}$'))],
    'oneHour',
  ),
  oneHour: set(
    'Assume one hour',
    { new_expires_in: '3600' },
    { next: 'dates', error: 'pairThere' },
  ),
  dates: set(
    'When does it end, when is it renewed?',
    {
      expires_at: inSeconds('{{new_expires_in}}'),
      renew_at: inSeconds('{{renew_after}}'),
      received_at: now,
    },
    { next: 'pairThere', error: 'pairThere' },
  ),
  pairThere: choose(
    'Is a pair here to be saved?',
    [when('save', isNot('{{access_token}}', ''), isNot('{{refresh_token}}', ''))],
    'notRenewed',
  ),
  save: copy('Save the pair in the Token storage', {
    to: 'token-storage',
    ref: 'token',
    mode: 'modify',
    data: record,
    next: 'saved',
    error: 'saveFailed',
    about: 'All fields in one modification: no reader sees a new token with an old date.',
  }),
  saveFailed: choose(
    'Is there no record yet?',
    [copyTag('create', '^not_found_task$')],
    'saveAgain',
  ),
  create: copy('Create the record', {
    to: 'token-storage',
    ref: 'token',
    mode: 'create',
    data: { ...record, told: 'ok' },
    next: 'saved',
    error: 'createFailed',
  }),
  createFailed: choose(
    'Has somebody else made the record?',
    [copyTag('saveSoon', '^not_unical_ref$')],
    'saveAgain',
  ),
  saveAgain: choose(
    'Has saving failed for long?',
    [when('saveSoon', atMost('{{save_tries}}', 3))],
    'storeFails',
  ),
  saveSoon: wait('Half a minute', { seconds: 30 }, 'countSave'),
  countSave: set(
    'Count the attempts to save',
    { save_tries: number('$.math({{save_tries}}+1)') },
    { next: 'save', error: 'pairThere' },
  ),
  storeTold: choose(
    'Does the author know of the storage?',
    [when('hold', is('{{store_told}}', 'yes'))],
    'escalate',
  ),
  holdTold: wait('Hold the pair, the author knows', { seconds: 600 }, 'noteStoreTold', {
    about: 'The new pair is in this task alone, as in "Hold the pair for ten minutes".',
  }),
  noteStoreTold: set(
    'Remember that the author knows',
    { store_told: 'yes' },
    {
      next: 'save',
      error: 'pairThere',
      about:
        'It is saved with the pair: then the Token storage sees to it that the recovery is told.',
    },
  ),
  hold: wait('Hold the pair for ten minutes', { seconds: 600 }, 'save', {
    about:
      'The new pair is in this task alone. Deleting the task or the process now means a new consent.',
  }),
}
