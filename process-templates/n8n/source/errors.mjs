// The workflow "Bitrix24 OAuth: something broke": n8n starts it when a node of the others fails unforeseen.
import * as n from './nodes.mjs'

const nodes = [
  n.note(
    'About this workflow',
    'red',
    [-60, -240, 720, 180],
    `## Something broke
n8n starts this when a node of *Bitrix24 OAuth* failed in a way nobody foresaw: the workflow was edited, the data table was changed, the disk is full.
Fill in **alert_url** in *Settings*, or put your own channel in place of the last node. The same error is told once a day.`,
  ),
  n.node('A workflow failed', 'errorTrigger', 1, [0, 0], {}),
  n.fields('Settings', [220, 0], [['alert_url', '']], 'The same alert_url'),
  n.code('broken', [440, 0]),
  n.post('Tell the process author', [660, 0], {
    url: n.computed("$('Settings').first().json.alert_url"),
    specifyBody: 'json',
    jsonBody: n.computed('JSON.stringify($json)'),
    options: { timeout: 10000, redirect: { redirect: { followRedirects: false } } },
  }),
]

export const errors = {
  id: 'b24OAuthError001',
  name: 'Bitrix24 OAuth: something broke',
  nodes,
  wires: {
    'A workflow failed': ['Settings'],
    Settings: ['Write what broke'],
    'Write what broke': ['Tell the process author'],
  },
  settings: {
    executionOrder: 'v1',
    saveDataSuccessExecution: 'none',
    saveDataErrorExecution: 'none',
    saveManualExecutions: false,
  },
}
