// The same package from CommonJS.

import evergrant = require('evergrant')

export const client: evergrant.Client = evergrant.Client.fromWebhook(
  'https://example.bitrix24.com/rest/1/secret/',
)
export const rows: AsyncGenerator<unknown> = client.list('crm.lead.list')
