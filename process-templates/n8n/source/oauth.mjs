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
    [220, 0],
    'token',
    ', min_ttl: $json.min_ttl, stale_token: $json.stale_token',
  ),
  job('Is anything due?', [220, 160], 'look'),
  job(
    'A code came back',
    [220, 320],
    'callback',
    ', code: $json.query?.code, state: $json.query?.state, scope: $json.query?.scope',
  ),
  job('Take the code, or get the link', [220, 480], 'start'),
]

const reading = [
  n.fields('Settings', [480, 240], settings, 'Fill in portal, client_id, scope'),
  n.node('What time is it?', 'dateTime', 2, [660, 240], {
    operation: 'getCurrentDate',
    outputFieldName: 'now',
    options: { includeInputFields: true },
  }),
  n.makeTable('Table there?', [840, 240]),
  n.readRow('Read the token', [1020, 240], [reference]),
  n.code('decide', [1200, 240]),
  n.route('Next step', [1400, 150], '$json.action', [
    'ask',
    'tell',
    'end',
    'turn',
    'wait',
    'first',
  ]),
]

const turn = [
  n.insertRow(
    'Make the row',
    [500, 730],
    { reference: reference[2], memory: "'{}'", lock_owner: "''", lock_until: '0' },
    { notes: 'The first time' },
  ),
  n.node(
    'Wait a second',
    'wait',
    1.1,
    [500, 580],
    { amount: 1, unit: 'seconds' },
    {
      webhookId: 'b24oauth-wait',
    },
  ),
  n.updateRow(
    'Take the turn',
    [720, 650],
    [reference, ['lock_until', 'lte', now]],
    { lock_owner: run[2], lock_until: `${now} + 180` },
    { notes: 'One statement: only one run can get it' },
  ),
  n.node('Draw a random text', 'crypto', 1, [920, 650], {
    action: 'generate',
    encodingType: 'hex',
    stringLength: 32,
    dataPropertyName: 'random',
  }),
]

const renewal = [
  n.updateRow('Write down the attempt', [1680, 60], [reference, run], {
    memory: `JSON.stringify(${decided}.memory)`,
  }),
  n.post(
    'Ask the authorization server',
    [1900, 60],
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
    { onError: 'continueRegularOutput', notes: 'Credential: Custom Auth with the client_secret' },
  ),
  n.code('answer', [2120, 60]),
  n.question('A token pair?', [2340, 60], '$json.pair'),
  n.updateRow(
    'Save the pair',
    [2560, -20],
    [reference],
    Object.fromEntries(
      [
        'access_token',
        'refresh_token',
        'expires_at',
        'client_endpoint',
        'member_id',
        'user_id',
        'scope',
      ]
        .map((column) => [column, `$json.pair.${column}`])
        .concat([['memory', 'JSON.stringify($json.memory)']]),
    ),
    {
      retryOnFail: true,
      maxTries: 5,
      waitBetweenTries: 5000,
      notes: 'Before anybody gets it',
    },
  ),
]

const said = "$('What is to be said?').first().json"
const escalation = [
  n.code('say', [1680, 480]),
  n.question('Anything to tell?', [1900, 480], '$json.message'),
  n.post(
    'Escalation to the process author',
    [2120, 420],
    {
      url: n.computed('$json.alert_url'),
      specifyBody: 'json',
      jsonBody: n.computed('JSON.stringify($json.message)'),
      options: { timeout: 10000, redirect: { redirect: { followRedirects: false } } },
    },
    {
      onError: 'continueErrorOutput',
      notes: 'Put your Telegram, Slack or e-mail node in its place',
    },
  ),
  n.json('Told', [2340, 360], `({ memory: ${said}.when_told })`),
  n.json('Not delivered: again later', [2340, 520], `({ memory: ${said}.when_not_told })`),
  n.updateRow('Let the next one in', [2560, 480], [reference, run], {
    memory: '$json.memory',
    lock_until: '0',
  }),
]

const ending = (name, position, state) =>
  n.json(name, position, `({ ...$json.problem, what_to_do: ${JSON.stringify(adviceFor(state))} })`)

const ends = [
  n.json(
    'How did it end?',
    [2860, 240],
    `$('What is to be said?').isExecuted ? ${said}.end : $json.end`,
  ),
  n.route(
    'Which end?',
    [3080, 160],
    "$json.kind === 'callback' ? 'callback' : $json.problem?.error ?? 'token'",
    [
      'token',
      'callback',
      'not_authorized',
      'needs_reauthorization',
      'code_refused',
      'settings',
      'client_secret_missing',
      'application_refused',
      'payment',
      'invalid_request',
    ],
    'later',
  ),
  n.json(
    'Here is the token',
    [3380, -260],
    '({ ...$json.token, ...($json.link && { link: $json.link }) })',
  ),
  n.node('Page for the browser', 'respondToWebhook', 1.1, [3380, -90], {
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
  ending('Give consent: open the link', [3380, 80], 'needs_reauthorization'),
  ending('Correct the settings', [3380, 250], 'settings'),
  ending('Choose the credential', [3380, 420], 'client_secret_missing'),
  ending('Check client_id and client_secret', [3380, 590], 'application_refused'),
  ending('Pay for the plan or the application', [3380, 760], 'payment'),
  ending('Correct the request', [3380, 930], 'invalid_request'),
  ending('Ask again later', [3380, 1100], 'renewal_delayed'),
]

const consent = 'Give consent: open the link'

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
    'Wait a second',
    'Make the row',
  ],
  'Make the row': ['Take the turn'],
  'Wait a second': ['Take the turn'],
  'Take the turn': ['Draw a random text'],
  'Draw a random text': ['Read the token'],
  'Write down the attempt': ['Ask the authorization server'],
  'Ask the authorization server': ['Read the answer'],
  'Read the answer': ['A token pair?'],
  'A token pair?': ['Save the pair', 'What is to be said?'],
  'Save the pair': ['What is to be said?'],
  'What is to be said?': ['Anything to tell?'],
  'Anything to tell?': ['Escalation to the process author', 'Let the next one in'],
  'Escalation to the process author': ['Told', 'Not delivered: again later'],
  Told: ['Let the next one in'],
  'Not delivered: again later': ['Let the next one in'],
  'Let the next one in': ['How did it end?'],
  'How did it end?': ['Which end?'],
  'Which end?': [
    'Here is the token',
    'Page for the browser',
    consent,
    consent,
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
