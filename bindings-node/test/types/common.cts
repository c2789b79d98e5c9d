// The same package from CommonJS.

import evergrant = require('evergrant')

export const client: evergrant.Client = evergrant.Client.fromWebhook(
  'https://example.bitrix24.com/rest/1/secret/',
)
export const rows: evergrant.Rows<unknown> = client.list('crm.lead.list')
export const iterator: AsyncIterableIterator<unknown> = rows
export const reference: evergrant.Reference = evergrant.ref('lead').at('ID')
