import { read, seconds, write } from '../shared/context.js'
import { storeOf } from '../shared/settings.js'

export const name = 'What is to be said?'
export const outputs = ['job done', 'page for the browser', 'tell the author']
export const initialize = 'globalThis.memory = {};'
export const info = `Compares what was found with what was told before: each change of state is told once, not at every tick.
Its status line is the state of the token.`

/** Ends a job: status line, messages to the author, page for the browser, next job. */
export default async function finish(msg, { env, flow, memory, node }) {
  const work = msg.work
  const store = storeOf(env)
  const now = seconds()
  let grant = {}
  let finding = work.finding
  try {
    grant = await read(flow, 'bitrix24_grant', store)
  } catch {
    finding = { state: 'store', reason: 'The context store of Node-RED cannot be read' }
    work.outcome ??= { error: 'store_unreadable', error_description: finding.reason }
  }

  const messages = (work.notices ?? []).map((notice) => ({ kind: 'notice', since: now, ...notice }))
  const told = memory.told ?? grant.alarm ?? { state: 'ok' }
  if (finding && finding.state !== told.state) messages.push(await changed())
  if (
    work.kept !== undefined &&
    work.kept !== 'at once' &&
    grant.storage_told !== work.kept &&
    memory.storage_told !== work.kept
  ) {
    messages.push(await aboutStorage())
  }
  node.status(statusLine())

  let page = null
  if (msg.res) {
    const { status, text } = work.page ?? {
      status: 500,
      text: "Something went wrong. Look at Node-RED's log.",
    }
    page = { req: msg.req, res: msg.res, statusCode: status, payload: html(text) }
    page.headers = {
      'content-type': 'text/html; charset=utf-8',
      'cache-control': 'no-store',
      'referrer-policy': 'no-referrer',
      'content-security-policy': "default-src 'none'",
    }
  }
  const done = { work: { finished: true, outcome: work.outcome } }
  node.send([done, page, messages.map((tell) => ({ work: { tell } }))], false)

  async function changed() {
    const alarm = { state: finding.state, reason: finding.reason, since: now }
    memory.told = alarm
    await remember({ alarm })
    if (finding.state !== 'ok')
      return { kind: finding.state === 'not_authorized' ? 'notice' : 'escalation', ...alarm }
    return {
      kind: told.state === 'not_authorized' ? 'notice' : 'recovery',
      was: told.state,
      ...alarm,
    }
  }

  async function aboutStorage() {
    memory.storage_told = work.kept
    await remember({ storage_told: work.kept })
    const reason =
      work.kept === 'delayed'
        ? `The context store "${store}" writes with a delay: a token received shortly before a crash is lost. Set cache: false for it in settings.js`
        : `settings.js has no context store "${store}" of its own, so the token is in Node-RED's default store. Unless you changed that, it is memory: a restart forgets the token, and consent is needed again`
    return { kind: 'notice', state: 'storage', reason, since: now }
  }

  /** Only this node and the ones before it in the same job write, one job at a time: nothing can be overwritten. */
  async function remember(change) {
    try {
      grant = { ...grant, ...change }
      await write(flow, 'bitrix24_grant', grant, store)
    } catch {
      node.warn('The state of the token could not be written to the context store')
    }
  }

  function statusLine() {
    const time = (at) => new Date(at * 1000).toISOString().slice(0, 16).replace('T', ' ')
    const state = finding?.state ?? memory.told?.state ?? grant.alarm?.state ?? 'ok'
    const where =
      {
        'at once': 'kept on disk',
        delayed: 'kept, written with a delay',
        'default store': 'NOT kept on disk',
      }[work.kept] ?? ''
    if (work.outcome?.error === 'not_configured')
      return { fill: 'grey', shape: 'ring', text: 'fill in the settings of this tab' }
    if (state === 'not_authorized')
      return { fill: 'yellow', shape: 'ring', text: `consent needed; token ${where}` }
    if (state !== 'ok') return { fill: 'red', shape: 'dot', text: state.replaceAll('_', ' ') }
    if (grant.failures > 0)
      return {
        fill: 'yellow',
        shape: 'ring',
        text: `no usable answer; again at ${time(grant.retry_at)} UTC`,
      }
    const text =
      grant.expires_at > now
        ? `token until ${time(grant.expires_at)} UTC`
        : 'token is renewed when asked for'
    const fill = work.kept === 'default store' ? 'yellow' : 'green'
    return { fill, shape: 'dot', text: [text, where, work.hint].filter(Boolean).join('; ') }
  }

  function html(text) {
    return `<!doctype html><html lang="en"><meta charset="utf-8"><title>Bitrix24 and Node-RED</title><h1>Bitrix24 and Node-RED</h1><p>${text}</p></html>`
  }
}
