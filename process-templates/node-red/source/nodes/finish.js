import { read, seconds } from '../shared/context.js'
import { storeOf } from '../shared/settings.js'

export const name = 'What came of it?'
export const outputs = ['job done', 'page for the browser', 'tell the author', 'how it ended']
export const initialize = 'globalThis.memory = {};'
export const info =
  'Ends a job: the next one may run, the browser gets its page, the author is told what is new. Its status line is the state of the token.'

/** Ends a job: status line, page for the browser, what the author may have to know, next job. */
export default async function finish(msg, { env, flow, memory, node }) {
  const work = msg.work
  const store = storeOf(env)
  const now = seconds()
  let grant = {}
  let finding = work.finding
  try {
    grant = await read(flow, 'bitrix24_grant', store)
    memory.state ??= (await read(flow, 'bitrix24_told', store)).alarm?.state
  } catch {
    finding = { state: 'store', reason: 'The context store of Node-RED cannot be read' }
    work.outcome ??= { error: 'store_unreadable', error_description: finding.reason }
  }
  memory.state = finding?.state ?? memory.state ?? 'ok'
  node.status(statusLine())
  const done = { work: { finished: true, outcome: work.outcome } }
  const ended = { work: { ended: { finding, notices: work.notices, kept: work.kept } } }
  node.send([done, page(), ended, ending()], false)

  function page() {
    if (!msg.res) return null
    const { status, text } = work.page ?? {
      status: 500,
      text: "Something went wrong. Look at Node-RED's log.",
    }
    const headers = {
      'content-type': 'text/html; charset=utf-8',
      'cache-control': 'no-store',
      'referrer-policy': 'no-referrer',
      'content-security-policy': "default-src 'none'",
    }
    return { req: msg.req, res: msg.res, statusCode: status, headers, payload: html(text) }
  }

  /** What a person is to do next. A redirect that was refused unsent says so to the browser alone: anybody can send one. */
  function ending() {
    const byCode = work.grant_type === 'authorization_code'
    if (work.kind === 'callback' && !byCode && !finding) return null
    const found = finding && finding.state !== 'ok' ? finding : undefined
    const refused = work.outcome && {
      state: work.outcome.error,
      reason: work.outcome.error_description,
    }
    const { state, reason } = work.end ?? found ?? refused ?? { state: 'ok' }
    return { work: { end: { state, reason, asked: byCode || work.kind === 'start' } } }
  }

  function statusLine() {
    const time = (at) => new Date(at * 1000).toISOString().slice(0, 16).replace('T', ' ')
    const { state } = memory
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
