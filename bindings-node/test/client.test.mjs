// Calls, batches and lists against the emulator.

import assert from 'node:assert/strict'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { after, before, test } from 'node:test'

import { Client, EvergrantError, fileShapes, InvalidInputError, RestError, ref } from 'evergrant'

import { Emulator } from '../../tests/node/emulator.mjs'

let emulator
let client

before(async () => {
  emulator = await Emulator.start({ leads: 120, tasks: 20, burst: 0 })
  client = Client.fromWebhook(emulator.ready.webhook, { rateLimit: 'off' })
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

test('what JSON holds arrives as it was given', async () => {
  const params = {
    text: 'Привет "🙂"\n\t',
    numbers: [0, -1.5, 1e-7, 0.1 + 0.2, Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER],
    when: new Date(0),
    nothing: null,
    none: {},
    ['__proto__']: { 2: true, 1: [false] },
    boxed: [Object('a'), Object(5), Object(true)],
  }
  await client.call('profile', params)
  const sent = async () => (await emulator.control('GET', '/log')).at(-1).body
  assert.equal(JSON.stringify(JSON.parse(await sent())), JSON.stringify(params))
  // More digits than a number of JavaScript has.
  const large = { id: 2n ** 60n, ids: [-(2n ** 63n), 2n ** 64n - 1n, Object(5n)] }
  await client.call('profile', large)
  assert.equal(
    await sent(),
    '{"id":1152921504606846976,"ids":[-9223372036854775808,18446744073709551615,5]}',
  )
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
  const requests = async () => (await emulator.control('GET', '/counters')).portal.requests
  const start = await requests()
  const list = client.list('crm.lead.list', {}, { strategy: 'pages' })
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
  await emulator.control('POST', '/faults', { ...fault, times: 50 })
  const list = client.list('crm.lead.list', {}, { strategy: 'pages' })
  await assert.rejects(
    async () => {
      for await (const _ of list);
    },
    (error) => {
      assert.ok(error instanceof RestError)
      assert.match(error.context.page, /100/)
      assert.match(error.stack, /client\.test\.mjs/)
      return true
    },
  )
  await emulator.control('DELETE', '/faults')
  assert.deepEqual(await list.next(), { value: undefined, done: true })
})

test('commands use what others brought, across requests', async () => {
  const commands = Array.from({ length: 60 }, (_, index) => [
    ['crm.company.add', { fields: { TITLE: `company ${index}` } }, `company${index}`],
    ['crm.company.get', { ID: ref(`company${index}`) }],
  ]).flat()
  commands.push(
    ['crm.lead.list', { order: { ID: 'ASC' }, select: ['ID'] }, 'found'],
    ['crm.lead.get', { ID: ref('found').at(6).at('ID') }],
    ['crm.lead.get', { ID: 999_999 }, 'missing'],
    ['crm.lead.add', { fields: { TITLE: ref('missing').at('TITLE') } }],
  )
  const outcomes = await client.batch(commands)
  assert.equal(outcomes.length, 124)
  for (let index = 0; index < 60; index += 1) {
    assert.equal(outcomes[2 * index + 1].value.TITLE, `company ${index}`)
  }
  assert.equal(outcomes[121].value.ID, '7')
  assert.equal(outcomes[122].ok, false)
  assert.equal(outcomes[123].error.kind, 'cancelled')
})

test('a list goes on behind its cursor, and tells of its progress', async () => {
  const heard = []
  const options = { total: true, progress: (rows, total) => heard.push([rows, total]) }
  const rows = client.list('crm.lead.list', { select: ['ID'] }, options)
  const kept = []
  for await (const page of rows.pages()) {
    kept.push(...page)
    break
  }
  const { cursor } = rows
  assert.equal(rows.total, 120)
  assert.deepEqual(heard, [[kept.length, 120]])
  const rest = client.list('crm.lead.list', { select: ['ID'] }, { after: cursor })
  for await (const row of rest) kept.push(row)
  assert.deepEqual(
    kept.map((row) => Number(row.ID)),
    Array.from({ length: 120 }, (_, index) => index + 1),
  )
})

test('among the rows of a page the cursor stands before it', async () => {
  const rows = client.list('crm.lead.list', { select: ['ID'] })
  const { cursor } = rows
  await rows.next()
  assert.equal(rows.cursor, cursor)
})

test('counts, ids and limits', async () => {
  assert.equal(await client.count('crm.lead.list', { filter: { '<=ID': 7 } }), 7)
  const found = await client.getByIds('crm.lead.list', [5, '3', 999_999, 5], { select: ['ID'] })
  assert.deepEqual(
    found.map((row) => row?.ID ?? null),
    ['5', '3', null, '5'],
  )
  const limited = []
  for await (const row of client.list('crm.lead.list', {}, { limit: 7, order: { ID: 'DESC' } })) {
    limited.push(row.ID)
  }
  assert.deepEqual(limited, ['120', '119', '118', '117', '116', '115', '114'])
  assert.ok(Client.counters().requests > 0)
})

test('REST 3.0: calls, lists, tails, aggregates, batches', async () => {
  const { v3 } = client
  const count = async (items) => {
    let number = 0
    for await (const _ of items) number += 1
    return number
  }
  assert.equal(await count(v3.list('main.eventlog.list', { select: ['id'] })), 600)
  assert.equal(await count(v3.tail('main.eventlog.tail', { select: ['id'] })), 600)
  assert.equal(await count(v3.list('main.eventlog.tail', {}, { paging: 'tail' })), 600)
  const totals = await v3.aggregate('main.eventlog.aggregate', { count: ['id'] })
  assert.equal(totals.count.id, 600)
  const many = { select: ['id'], pagination: { limit: 3 } }
  const [first, one, some] = await v3.batch([
    ['tasks.task.list', many, 'many'],
    ['tasks.task.get', { id: ref('many').at(2).at('id'), select: ['id'] }],
    ['tasks.task.list', { filter: [['id', 'in', ref('many').each('id')]], select: ['id'] }],
  ])
  assert.equal(one.item.id, first.items[2].id)
  assert.equal(some.items.length, 3)
})

test('a batch ends at its timeout', async () => {
  const profiles = Array.from({ length: 60 }, () => ['profile'])
  const outcomes = await client.batch(profiles, { timeoutMs: 20_000, priority: 'interactive' })
  assert.ok(outcomes.every(({ ok }) => ok))
  const slow = { at: 'rest', method: 'batch', kind: 'delay', delay_ms: 5000 }
  await emulator.control('POST', '/faults', slow)
  const cut = await client.batch(profiles, { timeoutMs: 500 })
  const late = cut.filter(({ ok }) => !ok).map(({ error }) => error.kind)
  assert.ok([10, 50].includes(late.length), `${late.length}`)
  assert.deepEqual([...new Set(late)], ['timeout'])
  await assert.rejects(client.batch(profiles, { timeoutMs: 0 }), { kind: 'invalid_input' })
  await assert.rejects(client.batch(profiles, { priority: 'soon' }), { kind: 'invalid_input' })
})

test('a webhook follows its portal where a person says so', async () => {
  const renamed = await Emulator.start({ leads: 1, burst: 0 })
  const { portal } = await renamed.control('POST', '/domain', {})
  await assert.rejects(Client.fromWebhook(renamed.ready.webhook).call('profile'), /moved_to/)
  const confirmed = Client.fromWebhook(renamed.ready.webhook, { movedTo: portal })
  assert.equal((await confirmed.call('profile')).ID, '1')
  await renamed.stop()
})

test('a file has the shapes that methods want', async () => {
  const content = new TextEncoder().encode('-hello-').subarray(1, 6)
  const { base64, pair, fileData } = fileShapes({ name: 'a.txt', content })
  assert.equal(base64, 'aGVsbG8=')
  assert.deepEqual(pair, ['a.txt', base64])
  assert.deepEqual(fileData, { fileData: ['a.txt', base64] })
  assert.throws(() => fileShapes({ name: 'a.txt', content: 'hello' }), InvalidInputError)
  const params = { id: 5, data: { NAME: 'a.txt' }, fileContent: pair }
  const { DOWNLOAD_URL: link } = await client.call('disk.folder.uploadfile', params)
  const stream = new PassThrough()
  const [read] = await Promise.all([
    buffer(stream),
    client.download(link, stream).then(() => stream.end()),
  ])
  assert.equal(read.toString(), 'hello')
})

test('a file goes there and back', async () => {
  const content = Buffer.alloc(300_000, 'evergrant')
  const file = { name: 'report.bin', content }
  const told = []
  const { DOWNLOAD_URL: link } = await client.upload('disk.folder.uploadfile', { id: 5 }, file, {
    progress: (...far) => told.push(far),
  })
  assert.deepEqual(told.at(-1), [content.length, content.length])
  const folder = await mkdtemp(join(tmpdir(), 'evergrant-'))
  const heard = []
  const progress = (received) => heard.push(received)
  assert.equal(await client.download(link, join(folder, 'a.bin'), { progress }), content.length)
  assert.ok(content.equals(await readFile(join(folder, 'a.bin'))))
  assert.equal(heard.at(-1), content.length)
  await assert.rejects(client.download(`${link}x`, join(folder, 'b.bin')), EvergrantError)
  assert.deepEqual(await readdir(folder), ['a.bin'])
  const stream = new PassThrough()
  const [read] = await Promise.all([
    buffer(stream),
    client.download(link, stream).then(() => stream.end()),
  ])
  assert.ok(content.equals(read))
  await rm(folder, { recursive: true })
})
