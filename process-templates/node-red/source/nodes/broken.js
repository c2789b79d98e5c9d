export const name = 'Let the next one in'
export const outputs = ['job done', 'page for the browser']
export const info = `A node of the renewal failed in a way nobody foresaw. The job ends without touching the token; the next one may run.
The secrets that the message carried stay here.`

/** Ends a job that threw: no job may block the queue for ever. */
export default function broken(msg, { node }) {
  const where = msg.error?.source?.name ?? 'a node'
  node.error(
    `Bitrix24 token: "${where}" failed: ${String(msg.error?.message ?? 'unknown error').slice(0, 200)}`,
  )
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
  return [done, page]
}
