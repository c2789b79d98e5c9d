import { seconds } from '../shared/context.js'

export const name = 'Let the next one in'
export const outputs = ['job done', 'page for the browser', 'tell the author']
export const initialize = 'globalThis.memory = {};'
export const info = `A node of the renewal failed in a way nobody foresaw. The job ends, the next one may run, and the author is told what became of the token:
not touched, saved, or perhaps lost. The same error is told once a day. The secrets that the message carried stay here.`

/** Ends a job that threw: no job may block the queue for ever. */
export default function broken(msg, { memory, node }) {
  const where = msg.error?.source?.name ?? 'a node'
  const what = String(msg.error?.message ?? 'unknown error').slice(0, 200)
  node.error(`Bitrix24 token: "${where}" failed: ${what}`)
  const error_description = `An error inside the flow, in "${where}"; see Node-RED's log`
  const done = { work: { finished: true, outcome: { error: 'flow_error', error_description } } }
  const page = msg.res
    ? {
        req: msg.req,
        res: msg.res,
        statusCode: 500,
        payload: "Something went wrong. Look at Node-RED's log.",
      }
    : null
  return [done, page, news()]

  function news() {
    const now = seconds()
    const same = `${where}: ${what}: ${fate()}`
    if (memory.same === same && now < memory.until) return null
    Object.assign(memory, { same, until: now + 86400 })
    const reason = `${error_description}. ${fate()}`
    return { work: { tell: { kind: 'escalation', state: 'flow_error', reason, since: now } } }
  }

  /** How far the job had come, as the nodes of the renewal noted it. */
  function fate() {
    const { grant_type, saved } = msg.work ?? {}
    if (!grant_type) return 'Nothing was sent, and the token that is kept was not touched'
    if (saved) return 'The answer of the authorization server had been saved'
    const spent = grant_type === 'refresh_token' ? 'refresh token' : 'code'
    return `The ${spent} had been sent and the answer is not saved: if a new token was in it, it is lost, and consent is needed again`
  }
}
