export const name = 'One at a time'
export const outputs = ['the next job', 'look again']
export const initialize = 'globalThis.memory = { running: false, jobs: [], waiting: [] };'
export const info = `A refresh token can be spent once, so there is never more than one exchange under way.
Requests that come meanwhile wait here (25 seconds at most; the exchange itself goes on) and share its result.

The queue lives in the node, not in a context store: messages carry open browser connections, which no store can hold.`

/** Lets one job through, keeps the others, and wakes those who wait for a token when it has ended. */
export default function oneAtATime(msg, { memory, node, setTimeout, clearTimeout }) {
  const patience = 25_000
  const release = (request, outcome) => {
    clearTimeout(request.timer)
    if (outcome) request.msg.renewal = outcome
    node.send([null, request.msg], false)
  }

  if (msg.work?.finished) {
    memory.running = false
    for (const request of memory.waiting.splice(0)) release(request, msg.work.outcome)
  } else if (!msg.work) {
    const request = { msg }
    request.timer = setTimeout(() => {
      memory.waiting = memory.waiting.filter((other) => other !== request)
      const error_description = 'The renewal is still under way; ask again'
      release(request, { error: 'renewal_under_way', error_description, retry_after: 5 })
    }, patience)
    memory.waiting.push(request)
  } else if (msg.work.kind !== 'look' || !memory.jobs.some((job) => job.work.kind === 'look')) {
    memory.jobs.push(msg)
  }

  if (memory.running) return
  let next = memory.jobs.shift()
  if (!next && memory.waiting.length > 0) {
    const demands = memory.waiting.map((request) => ({
      min_ttl: request.msg.min_ttl,
      stale_token: request.msg.stale_token,
    }))
    next = { work: { kind: 'renew', demands } }
  }
  if (!next) return
  memory.running = true
  node.send([next, null], false)
}
