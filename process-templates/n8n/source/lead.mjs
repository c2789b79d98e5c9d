// The workflow "Create a new lead": a small reader of the token, to copy from.
import * as n from './nodes.mjs'

const lead = "$('A new lead').first().json"

const nodes = [
  n.note(
    'About this example',
    'blue',
    [-60, -240, 760, 160],
    `## Create a new lead
Reads the token that **Bitrix24 OAuth** keeps. Ask each time; never keep it in a workflow of your own.
After an import by the menu, choose *Bitrix24 OAuth* in the node **Ask for the token**.
A workflow that saves its executions saves the token with them: the settings of this one say that they are not.`,
  ),
  n.node('When clicking Execute', 'manualTrigger', 1, [0, 0], {}),
  n.node('Another workflow calls', 'executeWorkflowTrigger', 1.1, [0, 180], {
    workflowInputs: { values: [{ name: 'TITLE' }] },
  }),
  n.json('A new lead', [220, 0], "({ TITLE: $json.TITLE || 'A new lead from n8n' })"),
  n.node('Ask for the token', 'executeWorkflow', 1.2, [460, 0], {
    source: 'database',
    workflowId: { __rl: true, mode: 'id', value: 'b24OAuthToken001' },
    workflowInputs: {
      mappingMode: 'defineBelow',
      value: { min_ttl: '={{ 60 }}', stale_token: "={{ $json.stale_token ?? '' }}" },
      matchingColumns: [],
      schema: [
        {
          id: 'min_ttl',
          displayName: 'min_ttl',
          type: 'number',
          required: false,
          display: true,
          defaultMatch: false,
          canBeUsedToMatch: true,
        },
        {
          id: 'stale_token',
          displayName: 'stale_token',
          type: 'string',
          required: false,
          display: true,
          defaultMatch: false,
          canBeUsedToMatch: true,
        },
      ],
      attemptToConvertTypes: false,
      convertFieldsToString: true,
    },
    mode: 'once',
    options: { waitForSubWorkflow: true },
  }),
  n.question('A token?', [680, 0], '$json.access_token'),
  n.post(
    'crm.lead.add',
    [900, -80],
    {
      url: n.computed("$json.client_endpoint + 'crm.lead.add.json'"),
      specifyBody: 'json',
      jsonBody: n.computed(
        `JSON.stringify({ auth: $json.access_token, fields: { TITLE: ${lead}.TITLE } })`,
      ),
      options: {
        redirect: { redirect: { followRedirects: false } },
        response: { response: { fullResponse: true, neverError: true, responseFormat: 'text' } },
        timeout: 60000,
      },
    },
    { onError: 'continueRegularOutput' },
  ),
  n.code('lead', [1120, -80]),
  n.route('Created?', [1340, -100], '$json.action', ['created', 'again', 'failed']),
  n.json('Lead created', [1600, -240], '({ lead_id: $json.lead_id })'),
  n.json('With a new token, once more', [1600, -80], '({ stale_token: $json.stale_token })'),
  n.json(
    'Lead not created',
    [1600, 120],
    '({ error: $json.error, error_description: $json.error_description })',
  ),
  n.json(
    'No token: do what it says',
    [900, 180],
    '({ error: $json.error, error_description: $json.error_description, what_to_do: $json.what_to_do, link: $json.link, retry_after: $json.retry_after })',
  ),
]

export const newLead = {
  id: 'b24OAuthLead0001',
  name: 'Create a new lead',
  nodes,
  wires: {
    'When clicking Execute': ['A new lead'],
    'Another workflow calls': ['A new lead'],
    'A new lead': ['Ask for the token'],
    'Ask for the token': ['A token?'],
    'A token?': ['crm.lead.add', 'No token: do what it says'],
    'crm.lead.add': ["Read the portal's answer"],
    "Read the portal's answer": ['Created?'],
    'Created?': ['Lead created', 'With a new token, once more', 'Lead not created'],
    'With a new token, once more': ['Ask for the token'],
  },
  settings: {
    executionOrder: 'v1',
    saveDataSuccessExecution: 'none',
    saveDataErrorExecution: 'none',
    saveManualExecutions: false,
    errorWorkflow: 'b24OAuthError001',
  },
}
