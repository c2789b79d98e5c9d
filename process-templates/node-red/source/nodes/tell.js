import { numberOf } from '../../../n8n/source/shared/settings.js'
import { read, seconds, write } from '../shared/context.js'
import { storeOf } from '../shared/settings.js'

export const name = 'Told before?'
export const outputs = ['escalation', 'recovery or notice']
export const initialize = 'globalThis.memory = { waiting: [], turn: Promise.resolve() };'
export const info = `Compares what was found with what was told before: each change of state is told once, not at every tick.

A message for \`alert_url\` is kept in the context store (\`bitrix24_told\`) before it is sent, and until it has arrived there: one after the other,
again after a pause that doubles up to 30 minutes, also after a restart. 20 may wait; then the oldest is dropped.`

/**
 * The only node that writes \`bitrix24_told\`. It hears of finished jobs (\`found\`), of messages that are ready (\`tell\`),
 * of deliveries (\`receipt\`), and of the time (everything else).
 */
export default function toldBefore(msg, { env, flow, memory, node, RED }) {
  const store = storeOf(env)
  const receives = String(env.get('alert_url') ?? '').trim() !== ''
  memory.turn = memory.turn
    .then(() => hear(msg.work))
    .catch((error) => node.error(`A message to the author: ${error.message}`))
  return memory.turn

  async function hear(work) {
    await recall()
    const before = JSON.stringify(kept())
    const fresh = work.ended ? changesOf(work.ended) : [work.tell].filter(Boolean)
    for (const tell of fresh) tell.id = RED.util.generateId()
    memory.waiting = receives ? [...memory.waiting, ...fresh].slice(-20) : []
    if (work.receipt) receive(work.receipt)
    if (memory.unwritten || JSON.stringify(kept()) !== before) await remember()
    for (const tell of fresh) say({ tell })
    sendNext()
  }

  function kept() {
    const { alarm, storage, waiting } = memory
    return { alarm, storage, waiting }
  }

  /** What was told before the restart. While the store cannot be read, memory has to do. */
  async function recall() {
    if (memory.recalled) return
    try {
      const { alarm, storage, waiting = [] } = await read(flow, 'bitrix24_told', store)
      memory.alarm ??= alarm
      memory.storage ??= storage
      memory.waiting.unshift(...waiting)
      memory.recalled = true
    } catch {
      memory.unwritten = true
    }
  }

  async function remember() {
    if (!memory.recalled) return
    try {
      await write(flow, 'bitrix24_told', kept(), store)
      memory.unwritten = false
    } catch {
      if (!memory.unwritten)
        node.warn('What was told could not be written to the context store; it is tried again')
      memory.unwritten = true
    }
  }

  /** What is new to the author at the end of a job. */
  function changesOf({ finding, notices = [], kept: storage }) {
    const now = seconds()
    const told = memory.alarm?.state ?? 'ok'
    const changed = finding && finding.state !== told
    const messages = notices
      .filter(({ reason }) => !changed || reason !== finding.reason)
      .map((notice) => ({ kind: 'notice', since: now, ...notice }))
    if (changed) {
      const { state, reason } = finding
      memory.alarm = { state, reason, since: now }
      messages.push({ kind: kindOf(state, told), was: told, ...memory.alarm })
    }
    if (storage !== undefined && storage !== 'at once' && memory.storage !== storage) {
      memory.storage = storage
      messages.push({ kind: 'notice', state: 'storage', reason: aboutStorage(storage), since: now })
    }
    return messages
  }

  function kindOf(state, told) {
    if (state === 'not_authorized') return 'notice'
    if (state !== 'ok') return 'escalation'
    return told === 'not_authorized' ? 'notice' : 'recovery'
  }

  function aboutStorage(storage) {
    return storage === 'delayed'
      ? `The context store "${store}" writes with a delay: a token received shortly before a crash is lost. Set cache: false for it in settings.js`
      : `settings.js has no context store "${store}" of its own, so the token is in Node-RED's default store. Unless you changed that, it is memory: a restart forgets the token, and consent is needed again`
  }

  /** The receiver took the message, or it did not. */
  function receive({ id, arrived, answer }) {
    if (id === memory.sending) memory.sending = undefined
    if (arrived) {
      memory.waiting = memory.waiting.filter((tell) => tell.id !== id)
      Object.assign(memory, { failures: 0, next: 0 })
      return
    }
    memory.failures = (memory.failures ?? 0) + 1
    memory.next = seconds() + Math.min(firstPause() * 2 ** (memory.failures - 1), 1800)
    if (memory.failures === 1)
      node.warn(
        `A message did not arrive at alert_url (${answer ?? 'no answer'}); it is sent again until it does`,
      )
  }

  function firstPause() {
    try {
      return numberOf(env.get('retry_seconds'), 'retry_seconds', { default: 30, min: 1, max: 600 })
    } catch {
      return 30 // a wrong number must not lose the message
    }
  }

  /** One at a time, in order. */
  function sendNext() {
    const [tell] = memory.waiting
    if (!tell || memory.sending || seconds() < (memory.next ?? 0)) return
    memory.sending = tell.id
    say({ tell, post: true })
  }

  function say(work) {
    node.send(work.tell.kind === 'escalation' ? [{ work }, null] : [null, { work }])
  }
}
