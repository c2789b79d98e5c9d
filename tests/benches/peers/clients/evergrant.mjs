// evergrant in Node.

import { createRequire } from 'node:module'

import { kept, run, SELECT, upTo } from './work.mjs'

const place = process.env.EVERGRANT_NODE ?? '../../../../bindings-node'
const { Client } = createRequire(import.meta.url)(place)
// How fast: EVERGRANT_RATE_LIMIT, as for any program.
const client = (job) => Client.fromWebhook(job.webhook)

await run({
  async list(job) {
    const rows = []
    for await (const page of client(job).list('crm.lead.list', SELECT).pages()) rows.push(...page)
    return rows
  },

  stream: (job) => client(job).list('crm.lead.list', SELECT),

  async calls(job) {
    const b24 = client(job)
    for (const ID of upTo(job.count)) await b24.call('crm.lead.get', { ID })
    return job.count
  },

  gather(job) {
    const b24 = client(job)
    return kept(upTo(job.count).map((ID) => b24.call('crm.lead.get', { ID })))
  },

  async add(job) {
    const commands = upTo(job.count).map((n) => ['crm.lead.add', { fields: { TITLE: `L${n}` } }])
    return (await client(job).batch(commands)).filter(({ ok }) => ok).length
  },
})
