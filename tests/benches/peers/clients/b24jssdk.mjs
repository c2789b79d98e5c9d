// @bitrix24/b24jssdk, the vendor's client for JavaScript.

import { createRequire } from 'node:module'

import { kept, run, SELECT, upTo } from './work.mjs'

// Installed outside the tree; the folder is named by the caller.
const sdk = createRequire(`${process.env.CLIENTS_NODE}/package.json`)('@bitrix24/b24jssdk')
const { ApiVersion, B24Hook, ParamsFactory } = sdk

async function client(job) {
  const address = new URL(job.webhook)
  const [, userId, secret] = address.pathname.split('/').filter(Boolean)
  const b24 = new B24Hook({ b24Url: address.origin, userId: Number(userId), secret })
  // https is wired in; the emulator is asked in plain http, which spares it the handshake.
  for (const version of [ApiVersion.v2, ApiVersion.v3]) {
    b24.getHttpClient(version).ajaxClient.interceptors.request.use((request) => {
      request.url = request.url?.replace(/^https:/, 'http:')
      if (request.baseURL) request.baseURL = request.baseURL.replace(/^https:/, 'http:')
      return request
    })
  }
  // Its own limiter where the portal has a bucket, as good as off where it has none.
  const usual = ParamsFactory.getDefault()
  const rateLimit = job.burst
    ? { ...usual.rateLimit, burstLimit: job.burst, drainRate: job.leak }
    : { burstLimit: 1e9, drainRate: 1e6, adaptiveEnabled: false }
  await b24.setRestrictionManagerParams({ ...usual, rateLimit })
  return b24.actions.v2
}

const asked = { method: 'crm.lead.list', params: SELECT }
const get = (b24, ID) => b24.call.make({ method: 'crm.lead.get', params: { ID } })

async function* streamed(job) {
  for await (const chunk of (await client(job)).fetchList.make(asked)) yield* chunk
}

/** The fastest that its interface allows without leaving it: pages by offset, fifty to a batch. */
async function byHand(job) {
  const b24 = await client(job)
  const first = await b24.call.make({
    ...asked,
    params: { ...SELECT, order: { ID: 'ASC' }, start: 0 },
  })
  const calls = []
  for (let start = 50; start < first.getTotal(); start += 50) {
    calls.push(['crm.lead.list', { ...SELECT, order: { ID: 'ASC' }, start }])
  }
  const pages = await b24.batchByChunk.make({ calls, options: { isHaltOnError: false } })
  return [first.getData().result, ...pages.getData()].flat()
}

await run({
  async list(job) {
    if (job.way === 'hand') return byHand(job)
    const rows = []
    for await (const chunk of (await client(job)).fetchList.make(asked)) rows.push(...chunk)
    return rows
  },

  stream: streamed,

  async calls(job) {
    const b24 = await client(job)
    let good = 0
    for (const ID of upTo(job.count)) good += (await get(b24, ID)).isSuccess ? 1 : 0
    return good
  },

  async gather(job) {
    const b24 = await client(job)
    return kept(
      upTo(job.count).map(async (ID) => {
        const answer = await get(b24, ID)
        if (!answer.isSuccess) throw new Error('refused')
      }),
    )
  },

  async add(job) {
    const b24 = await client(job)
    const calls = upTo(job.count).map((n) => ['crm.lead.add', { fields: { TITLE: `L${n}` } }])
    const added = await b24.batchByChunk.make({ calls, options: { isHaltOnError: false } })
    return added.getData().length
  },
})
