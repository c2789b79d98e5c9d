// Calls, batches and lists against the emulator.

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'

import { Client, RestError } from 'evergrant'

import { Emulator } from '../../tests/node/emulator.mjs'

let emulator
let client

before(async () => {
  emulator = await Emulator.start({ leads: 120, burst: 0 })
  client = Client.fromWebhook(emulator.ready.webhook)
})
after(() => emulator.stop())

test('call answers the result, whatever it is', async () => {
  const lead = await client.call('crm.lead.get', { ID: 5 })
  assert.equal(lead.ID, '5')
  assert.equal(typeof (await client.call('server.time')), 'string')
})

test('what the caller leaves undefined is left out', async () => {
  const filter = { ID: 7, TITLE: undefined }
  const [lead, ...more] = await client.call('crm.lead.list', { filter, order: undefined })
  assert.equal(lead.ID, '7')
  assert.equal(more.length, 0)
})

test('a batch has one outcome per command, in order', async () => {
  const outcomes = await client.batch([
    ['crm.lead.get', { ID: 1 }],
    ['crm.lead.get', { ID: 999_999 }],
    ['server.time'],
  ])
  assert.deepEqual(
    outcomes.map(({ ok }) => ok),
    [true, false, true],
  )
  assert.equal(outcomes[0].value.ID, '1')
  assert.ok(outcomes[1].error instanceof RestError)
  assert.equal(outcomes[1].error.context.command, '1')
  assert.match(outcomes[1].error.stack, /client\.test\.mjs/)
  assert.deepEqual(await client.batch([]), [])
})

test('a list streams all rows in order', async () => {
  const ids = []
  for await (const lead of client.list('crm.lead.list', { order: { ID: 'ASC' }, select: ['ID'] })) {
    ids.push(Number(lead.ID))
  }
  assert.deepEqual(
    ids,
    Array.from({ length: 120 }, (_, index) => index + 1),
  )
})

test('a list asks for pages only as they are read', async () => {
  const requests = async () =>
    (await emulator.control('GET', '/counters')).portal.methods['crm.lead.list'] ?? 0
  const start = await requests()
  const list = client.list('crm.lead.list')
  assert.equal(await requests(), start)
  await list.next()
  assert.equal(await requests(), start + 1)
})

test('a list that was left early is at its end', async () => {
  const list = client.list('crm.lead.list')
  for await (const _ of list) break
  assert.deepEqual(await list.next(), { value: undefined, done: true })
})

test('a list that fails names the page and ends', async () => {
  const body = { error: 'INTERNAL_SERVER_ERROR', error_description: 'Internal server error' }
  const fault = { at: 'rest', method: 'crm.lead.list', kind: 'json', body, skip: 2 }
  await emulator.control('POST', '/faults', fault)
  const list = client.list('crm.lead.list')
  await assert.rejects(
    async () => {
      for await (const _ of list);
    },
    (error) => {
      assert.ok(error instanceof RestError)
      assert.equal(error.context.page, 'start=100')
      assert.match(error.stack, /client\.test\.mjs/)
      return true
    },
  )
  assert.deepEqual(await list.next(), { value: undefined, done: true })
})
