// The workflow "Bitrix24 OAuth": its nodes, where they stand and what leads where.
import * as n from './nodes.mjs'
import { notes } from './notes.mjs'
import { adviceFor } from './shared/words.js'

const settings = [
  ['portal', ''],
  ['client_id', ''],
  ['scope', 'crm'],
  ['code', ''],
  ['alert_url', ''],
  ['authorization_server', 'https://oauth.bitrix.info'],
  ['reference', 'token'],
  ['keep_alive_days', 20],
  ['fixed_renewal_minutes', 0],
  ['renewals_per_hour', 3],
  ['retry_seconds', 30],
]

/** What a run was started for. */
const job = (name, position, kind, more = '') =>
  n.json(name, position, `({ job: { kind: '${kind}', run: String($execution.id)${more} } })`)

const typed = "$('What time is it?').first().json"
const now = `Math.floor(Date.parse(${typed}.now) / 1000)`
const decided = "$('What is to be done?').first().json"
const reference = ['reference', 'eq', `String(${typed}.reference || 'token').trim()`]
const run = ['lock_owner', 'eq', `${typed}.job.run`]
const page = (text) =>
  `<!doctype html><html lang="en"><meta charset="utf-8"><title>Bitrix24 and n8n</title><h1>Bitrix24 and n8n</h1><p>{{ ${text} }}</p></html>`

const starts = [
  n.node('Give me a token', 'executeWorkflowTrigger', 1.1, [0, 0], {
    workflowInputs: { values: [{ name: 'min_ttl', type: 'number' }, { name: 'stale_token' }] },
  }),
  n.node('Every 5 minutes', 'scheduleTrigger', 1.2, [0, 160], {
    rule: { interval: [{ field: 'minutes', minutesInterval: 5 }] },
  }),
  n.node(
    'Redirect with a code',
    'webhook',
    2,
    [0, 320],
    { httpMethod: 'GET', path: 'bitrix24/callback', responseMode: 'responseNode', options: {} },
    { webhookId: 'b24oauth-callback' },
  ),
  n.node('By hand', 'manualTrigger', 1, [0, 480], {}),
  job(
    'A token is wanted',
    [170, 0],
    'token',
    ', min_ttl: $json.min_ttl, stale_token: $json.stale_token',
  ),
  job('Is anything due?', [170, 160], 'look'),
  job(
    'A code came back',
    [170, 320],
    'callback',
    ', code: $json.query?.code, state: $json.query?.state, scope: $json.query?.scope',
  ),
  job('Take the code, or get the link', [170, 480], 'start'),
]

const reading = [
  n.fields('Settings', [380, 240], settings, 'Fill in'),
  n.node('What time is it?', 'dateTime', 2, [540, 240], {
    operation: 'getCurrentDate',
    outputFieldName: 'now',
    options: { includeInputFields: true },
  }),
  n.makeTable('Table there?', [700, 240]),
  n.readRow('Read the token', [860, 240], [reference]),
  n.code('decide', [1030, 240]),
  n.route('Next step', [1210, 176], '$json.action', [
    'ask',
    'tell',
    'end',
    'turn',
    'first',
    'wait',
  ]),
]

const turn = [
  n.insertRow(
    'Make the row',
    [1370, 1010],
    { reference: reference[2], memory: "'{}'", lock_owner: "''", lock_until: '0' },
    { notes: 'The first time' },
  ),
  n.node(
    'Wait a second',
    'wait',
    1.1,
    [1370, 1175],
    { amount: 1, unit: 'seconds' },
    {
      webhookId: 'b24oauth-wait',
    },
  ),
  n.updateRow(
    'Take the turn',
    [1590, 1100],
    [reference, ['lock_until', 'lte', now]],
    { lock_owner: run[2], lock_until: `${now} + 180` },
    { notes: 'Only one run gets it' },
  ),
  n.node('Draw a random text', 'crypto', 1, [1790, 1180], {
    action: 'generate',
    encodingType: 'hex',
    stringLength: 32,
    dataPropertyName: 'random',
  }),
]

const answered = "$('Read the answer').first().json"
const pair = ['access_token', 'refresh_token', 'expires_at', 'client_endpoint', 'member_id']
  .concat(['user_id', 'scope'])
  .map((column) => [column, `${answered}.pair.${column}`])

const renewal = [
  n.updateRow('Write down the attempt', [1610, -40], [reference, run], {
    memory: `JSON.stringify(${decided}.memory)`,
  }),
  n.post(
    'Ask the authorization server',
    [1810, -40],
    {
      url: n.computed(`${decided}.settings.authorization_server + '/oauth/token/'`),
      authentication: 'genericCredentialType',
      genericAuthType: 'httpCustomAuth',
      // Said twice: without the header, n8n turns a form into JSON when a credential adds to it.
      contentType: 'form-urlencoded',
      sendHeaders: true,
      headerParameters: {
        parameters: [{ name: 'content-type', value: 'application/x-www-form-urlencoded' }],
      },
      bodyParameters: {
        parameters: [
          { name: 'grant_type', value: n.computed(`${decided}.ask`) },
          { name: 'client_id', value: n.computed(`${decided}.settings.client_id`) },
          {
            name: n.computed(`${decided}.ask === 'refresh_token' ? 'refresh_token' : 'code'`),
            value: n.computed(`${decided}.secret`),
          },
        ],
      },
      options: {
        redirect: { redirect: { followRedirects: false } },
        response: { response: { fullResponse: true, neverError: true, responseFormat: 'text' } },
        timeout: 60000,
      },
    },
    { onError: 'continueRegularOutput', notes: 'Choose the credential' },
  ),
  n.code('answer', [1990, -40]),
  n.question('A token pair?', [2170, -40], '$json.pair'),
  // All that makes a row, with the turn of this run: somebody may have deleted the row meanwhile.
  n.upsertRow(
    'Save the pair',
    [2360, -40],
    [reference],
    {
      reference: reference[2],
      ...Object.fromEntries(pair),
      memory: `JSON.stringify(${answered}.memory)`,
      lock_owner: run[2],
      lock_until: `${now} + 180`,
    },
    {
      // An error of the database has the pair in it, and n8n would log it and hand it to the error workflow.
      // So this node does not fail: it hands on its input, and "Saved?" looks for what was written.
      onError: 'continueRegularOutput',
      notes: 'Before anybody gets it',
    },
  ),
  n.route(
    'Saved?',
    [2540, -56],
    `$json.refresh_token === ${answered}.pair.refresh_token ? 'saved' : $runIndex < 14 ? 'again' : 'lost'`,
    ['again', 'lost', 'saved'],
  ),
  n.node(
    'Wait five seconds',
    'wait',
    1.1,
    [2740, -260],
    { amount: 5, unit: 'seconds' },
    { webhookId: 'b24oauth-save' },
  ),
  n.node(
    'The pair could not be saved',
    'stopAndError',
    1,
    [2740, -40],
    {
      errorMessage:
        'n8n could not write to the data table bitrix24_tokens for 70 seconds: no room, a changed column, or a database that is down',
    },
    { notes: 'To the error workflow' },
  ),
]

const escalate = `"access_token" doesn't update. Escalation to the process author`
const said = "$('What is to be said?').first().json"
const escalation = [
  n.code('say', [1590, 620]),
  n.question('Anything to tell?', [1790, 620], '$json.message'),
  n.post(
    escalate,
    [2030, 470],
    {
      url: n.computed('$json.alert_url'),
      specifyBody: 'json',
      jsonBody: n.computed('JSON.stringify($json.message)'),
      options: { timeout: 10000, redirect: { redirect: { followRedirects: false } } },
    },
    {
      onError: 'continueErrorOutput',
      notes: 'Or a node of yours',
    },
  ),
  n.json('Told', [2290, 400], `({ memory: ${said}.when_told })`),
  n.json('Not delivered: again later', [2290, 570], `({ memory: ${said}.when_not_told })`),
  n.updateRow('Let the next one in', [2570, 760], [reference, run], {
    memory: '$json.memory',
    lock_until: '0',
  }),
]

const warned = '...($json.warning && { warning: $json.warning })'
const ending = (name, row, state) =>
  n.json(
    name,
    place(row),
    `({ ...$json.problem, ${warned}, what_to_do: ${JSON.stringify(adviceFor(state))} })`,
  )
const place = (row) => [3470, -553 + 185 * row]
const token = '...$json.token, ...($json.link && { link: $json.link })'
const consent = 'Give consent: open the link'
const untold = 'Nobody is told: fill in alert_url'

/** The ways out of "Which end?", and the words for what went wrong that lead there. Anything else: later. */
const kinds = {
  consent: ['not_authorized', 'needs_reauthorization', 'code_refused'],
  settings: ['settings'],
  credential: ['client_secret_missing'],
  application: ['application_refused'],
  payment: ['payment'],
  request: ['invalid_request'],
}
const kindOf = Object.entries(kinds)
  .flatMap(([kind, words]) => words.map((word) => `${word}: '${kind}'`))
  .join(', ')

const ends = [
  n.json(
    'How did it end?',
    [2990, 232],
    `$('What is to be said?').isExecuted ? ${said}.end : $json.end`,
  ),
  n.route(
    'Which end?',
    [3190, 105],
    `$json.kind === 'callback' ? 'page' : $json.problem ? ({ ${kindOf} })[$json.problem.error] : $json.warning ? 'untold' : 'token'`,
    ['token', 'page', 'untold', ...Object.keys(kinds)],
    'later',
  ),
  n.json('Here is the token', place(0), `({ ${token} })`),
  n.node('Page for the browser', 'respondToWebhook', 1.1, place(1), {
    respondWith: 'text',
    responseBody: `=${page("$json.page?.text ?? $json.problem?.error_description ?? 'Look at n8n.'")}`,
    options: {
      responseCode: n.computed('$json.page?.status ?? 503'),
      responseHeaders: {
        entries: [
          { name: 'content-type', value: 'text/html; charset=utf-8' },
          { name: 'cache-control', value: 'no-store' },
          { name: 'referrer-policy', value: 'no-referrer' },
          { name: 'content-security-policy', value: "default-src 'none'" },
        ],
      },
    },
  }),
  n.json(
    untold,
    place(2),
    `({ ${token}, ${warned}, what_to_do: ${JSON.stringify(adviceFor('untold'))} })`,
  ),
  ending(consent, 3, 'needs_reauthorization'),
  ending('Correct the settings', 4, 'settings'),
  ending('Choose the credential', 5, 'client_secret_missing'),
  ending('Check client_id and client_secret', 6, 'application_refused'),
  ending('Pay for the plan or the application', 7, 'payment'),
  ending('Correct the request', 8, 'invalid_request'),
  ending('Ask again later', 9, 'renewal_delayed'),
]

/** For each node, what its outputs lead to, in order. */
const wires = {
  'Give me a token': ['A token is wanted'],
  'Every 5 minutes': ['Is anything due?'],
  'Redirect with a code': ['A code came back'],
  'By hand': ['Take the code, or get the link'],
  'A token is wanted': ['Settings'],
  'Is anything due?': ['Settings'],
  'A code came back': ['Settings'],
  'Take the code, or get the link': ['Settings'],
  Settings: ['What time is it?'],
  'What time is it?': ['Table there?'],
  'Table there?': ['Read the token'],
  'Read the token': ['What is to be done?'],
  'What is to be done?': ['Next step'],
  'Next step': [
    'Write down the attempt',
    'What is to be said?',
    'How did it end?',
    'Take the turn',
    'Make the row',
    'Wait a second',
  ],
  'Make the row': ['Take the turn'],
  'Wait a second': ['Take the turn'],
  'Take the turn': ['Draw a random text'],
  'Draw a random text': ['Read the token'],
  'Write down the attempt': ['Ask the authorization server'],
  'Ask the authorization server': ['Read the answer'],
  'Read the answer': ['A token pair?'],
  'A token pair?': ['Save the pair', 'What is to be said?'],
  'Save the pair': ['Saved?'],
  'Saved?': ['Wait five seconds', 'The pair could not be saved', 'What is to be said?'],
  'Wait five seconds': ['Save the pair'],
  'What is to be said?': ['Anything to tell?'],
  'Anything to tell?': [escalate, 'Let the next one in'],
  [escalate]: ['Told', 'Not delivered: again later'],
  Told: ['Let the next one in'],
  'Not delivered: again later': ['Let the next one in'],
  'Let the next one in': ['How did it end?'],
  'How did it end?': ['Which end?'],
  'Which end?': [
    'Here is the token',
    'Page for the browser',
    untold,
    consent,
    'Correct the settings',
    'Choose the credential',
    'Check client_id and client_secret',
    'Pay for the plan or the application',
    'Correct the request',
    'Ask again later',
  ],
}

export const oauth = {
  id: 'b24OAuthToken001',
  name: 'Bitrix24 OAuth',
  nodes: [...notes, ...starts, ...reading, ...turn, ...renewal, ...escalation, ...ends],
  wires,
  settings: {
    executionOrder: 'v1',
    saveDataSuccessExecution: 'none',
    saveDataErrorExecution: 'none',
    saveManualExecutions: false,
    saveExecutionProgress: false,
    executionTimeout: 170,
    callerPolicy: 'workflowsFromSameOwner',
    errorWorkflow: 'b24OAuthError001',
  },
}
