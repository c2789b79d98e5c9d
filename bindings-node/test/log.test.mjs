// What the package says of what it does, to who asked to hear it.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { after, before, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { Worker } from 'node:worker_threads'

import { Client, EvergrantError, InvalidInputError, onLog } from 'evergrant'

import { Emulator } from '../../tests/node/emulator.mjs'
import { SECRET } from './portals.mjs'

const PACKAGE = JSON.stringify(fileURLToPath(new URL('..', import.meta.url)))
/** A record that never comes fails its test. */
const options = { timeout: 30_000 }

let emulator
let client

before(async () => {
  emulator = await Emulator.start({ leads: 5, burst: 0 })
  client = Client.fromWebhook(emulator.ready.webhook, { rateLimit: 'off' })
})
after(() => emulator.stop())

/** The first record that has all of these words, among those heard until then. */
function heard(level, words) {
  const records = []
  let stop
  const found = new Promise((resolve) => {
    stop = onLog((record) => {
      records.push(record)
      if (words.every((word) => record.message.includes(word))) resolve(record)
    }, level)
  })
  return { found, records, stop }
}

test('each call ends with a record, without a secret', options, async () => {
  const portal = `portal=${new URL(emulator.ready.webhook).host}`
  const done = ['answered', 'method=crm.lead.get', portal, 'status=200', 'requests=1', 'waited_ms=']
  const answered = heard('debug', done)
  await client.call('crm.lead.get', { ID: 5 })
  assert.equal((await answered.found).level, 'debug')
  answered.stop()

  const failed = heard('debug', ['failed', 'method=crm.lead.get', 'status=400'])
  await assert.rejects(client.call('crm.lead.get', { ID: 4711 }), EvergrantError)
  await failed.found
  failed.stop()
  const secret = new URL(emulator.ready.webhook).pathname.split('/').at(-2)
  const text = JSON.stringify([answered.records, failed.records])
  assert.ok(!text.includes(secret) && !text.includes(SECRET), text)
})

test('each listener hears what it asked for, until it has enough', options, async () => {
  const loud = heard('debug', ['method=crm.lead.get', 'answered'])
  const quiet = heard('info', ['method=crm.lead.get'])
  const ended = heard('debug', ['method=crm.lead.get'])
  ended.stop()
  await client.call('crm.lead.get', { ID: 5 })
  await loud.found
  loud.stop()
  quiet.stop()
  assert.deepEqual([quiet.records, ended.records], [[], []])
})

test('a listener that throws or rejects is a warning', options, async () => {
  for (const fail of [
    () => {
      throw new Error('mine')
    },
    async () => {
      throw Object.create(null, { mine: { value: 1, enumerable: true } })
    },
  ]) {
    const stop = onLog(fail, 'debug')
    const warned = once(process, 'warning')
    await client.call('crm.lead.get', { ID: 5 })
    const [warning] = await warned
    stop()
    assert.equal(warning.name, 'EvergrantWarning')
    assert.match(warning.message, /a listener of the log failed.*mine/)
  }
})

test('a listener of a thread that has ended harms nobody', options, async () => {
  const code = `require(${PACKAGE}).onLog(() => {}, 'trace')`
  await once(new Worker(code, { eval: true }), 'exit')
  const here = heard('debug', ['method=crm.lead.get', 'answered'])
  await client.call('crm.lead.get', { ID: 5 })
  await here.found
  here.stop()
})

test('what cannot listen is refused', () => {
  const refuses = (field) => (error) =>
    error instanceof InvalidInputError && error.context.field === field
  for (const listener of [undefined, null, 'console.log', {}]) {
    assert.throws(() => onLog(listener), refuses('listener'))
  }
  for (const level of ['loud', '', 'WARN', 3, null, {}]) {
    assert.throws(() => onLog(() => {}, level), refuses('level'))
  }
})
