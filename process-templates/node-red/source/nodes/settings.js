import { read } from '../shared/context.js'
import { readSettings, storeOf } from '../shared/settings.js'

export const name = 'Settings complete?'
export const outputs = ['a code may come', 'is a renewal due?', 'no']
export const initialize = 'globalThis.memory = {};'
export const info = `Checks the settings of this tab and finds out how well the context store keeps the token:

- *at once*: a store without a cache; the file is written before anybody gets the new token
- *delayed*: a store of its own with a cache; \`kill -9\` within its flush interval loses a pair
- *default store*: there is no store of that name. On a stock settings.js that is memory, forgotten at a restart`

/** Sends a job the way it needs to go. */
export default async function settingsComplete(msg, { env, flow, memory, RED }) {
  const work = msg.work
  memory.kept ??= howKept(storeOf(env))
  work.kept = memory.kept
  const problem = readSettings(env).problem ?? (await storeProblem())
  if (!problem)
    return work.kind === 'start' || work.kind === 'callback' ? [msg, null, null] : [null, msg, null]

  if (problem.state !== 'not_configured') work.finding = problem
  work.hint = problem.reason
  work.end = { state: problem.end ?? problem.state, reason: problem.reason }
  work.outcome = { error: problem.state, error_description: problem.reason }
  work.page = {
    status: 503,
    text: 'This flow is not set up completely. Look at its settings in Node-RED, then open the consent link again.',
  }
  return [null, null, msg]

  async function storeProblem() {
    try {
      await read(flow, 'bitrix24_grant', storeOf(env))
    } catch {
      return { state: 'store', reason: 'The context store of Node-RED cannot be read' }
    }
  }

  function howKept(store) {
    try {
      flow.get('bitrix24_grant', store)
    } catch {
      return 'at once'
    }
    const probe = RED.util.generateId()
    flow.set('bitrix24_probe', probe, store)
    let seen
    try {
      seen = flow.get('bitrix24_probe')
    } catch {
      seen = undefined // the default store has no cache, so it is another store
    }
    flow.set('bitrix24_probe', undefined, store)
    return seen === probe ? 'default store' : 'delayed'
  }
}
