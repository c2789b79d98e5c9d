// What callers hand in: refused where it cannot be used, by the name of the field.

import assert from 'node:assert/strict'
import { test } from 'node:test'

import { Application, Client, InvalidInputError, ref } from 'evergrant'

const client = Client.fromWebhook('http://127.0.0.1:1/rest/1/qwertyuiop123456/')
const app = await Application.open({ clientId: 'local.1', clientSecret: 'secret' })

const refuses = (field) => (error) => {
  assert.ok(error instanceof InvalidInputError, error)
  assert.equal(error.context.field, field)
  assert.match(error.message, new RegExp(field))
  return true
}

const cycle = {}
cycle.self = cycle
let deep = []
for (let depth = 0; depth < 200; depth += 1) deep = [deep]
let deeper = []
for (let depth = 0; depth < 100_000; depth += 1) deeper = [deeper]

const mine = new Error('mine')
const trap = () => {
  throw mine
}
const throwing = new Proxy({}, { get: trap, getPrototypeOf: trap, has: trap, ownKeys: trap })
const revoked = Proxy.revocable([], {})
revoked.revoke()

for (const [what, params] of Object.entries({
  'a string': 'ID=5',
  'a number': 5,
  'a BigInt that no portal holds': { ID: 2n ** 64n },
  'a number that is not exact': { ID: 2 ** 60 },
  'an invalid date': { fields: { BEGIN: new Date(Number.NaN) } },
  'a promise': { ID: Promise.resolve(5) },
  'a regular expression': { filter: { TITLE: /x/ } },
  'a boxed symbol': { ID: Object(Symbol('x')) },
  'a proxy that throws': throwing,
  'a proxy that throws, inside': { fields: throwing },
  'a revoked proxy': revoked.proxy,
  'NaN in the depth': { filter: { a: [1, { ID: Number.NaN }] } },
  Infinity: [Number.POSITIVE_INFINITY],
  'a function': { ID: () => 5 },
  'a symbol': { ID: Symbol('x') },
  'a Map': { filter: new Map([['ID', 5]]) },
  'a Set': { select: new Set(['ID']) },
  'nothing in a list': { select: ['ID', undefined] },
  'a cycle': cycle,
  'too much depth for the portal': deep,
  'too much depth for the stack': deeper,
  'half a character': { TITLE: '\ud800' },
  'a value that vanishes': { toJSON() {} },
  'a value that becomes text': { toJSON: () => 'ID=5' },
  'a value that throws': {
    toJSON() {
      throw new Error('mine')
    },
  },
})) {
  test(`params: ${what}`, async () => {
    await assert.rejects(client.call('crm.lead.get', params), refuses('params'))
    await assert.rejects(client.batch([['crm.lead.get', params]]), refuses('params'))
    assert.throws(() => client.list('crm.lead.list', params), refuses('params'))
  })
}

test('params: the key is named, and an error of the caller stays reachable', async () => {
  const params = { filter: { ID: Number.NaN } }
  const error = await client.call('x.get', params).catch((thrown) => thrown)
  assert.equal(error.context.key, 'ID')
  for (const params of [{ toJSON: trap }, throwing]) {
    const wrapped = await client.call('x.get', params).catch((thrown) => thrown)
    assert.equal(wrapped.cause, mine)
  }
})

test('whatever runs when it is looked at', async () => {
  for (const strange of [throwing, revoked.proxy]) {
    await assert.rejects(client.call('profile', {}, strange), refuses('options'))
    await assert.rejects(client.call(strange), refuses('method'))
    await assert.rejects(client.batch(strange), refuses('commands'))
    await assert.rejects(client.batch([strange]), refuses('commands'))
    await assert.rejects(client.getByIds('crm.lead.list', strange), refuses('ids'))
    assert.throws(() => client.list('crm.lead.list', {}, { order: strange }), InvalidInputError)
  }
})

test('params: the whole way to the place is named', async () => {
  for (const [params, says] of [
    [{ fields: { PHONE: [{ VALUE: Number.NaN }] } }, 'params.fields.PHONE[0].VALUE is NaN'],
    [{ filter: { '>ID': -(2n ** 63n) - 1n } }, 'params.filter[">ID"] is a BigInt'],
    [{ fields: { UF: [1, -(2 ** 53)] } }, 'params.fields.UF[1] is -9007199254740992, beyond'],
    [{ a: { b: new Date('x') } }, 'params.a.b is an invalid date'],
    [{ a: Promise.resolve() }, 'params.a is of the class Promise'],
    [{ a: throwing }, 'params.a cannot be written as JSON'],
    [cycle, 'params.self contains itself'],
    [{ a: [{ deep }] }, 'is nested too deeply'],
    [{ f: Buffer.from('x') }, 'params.f is bytes'],
    [{ a: ref('lead') }, 'params.a is a reference, which only a batch can hold'],
    [{ '\ud800': 1 }, 'a key of params is not valid Unicode'],
  ]) {
    const error = await client.call('x.add', params).catch((thrown) => thrown)
    assert.ok(error.message.includes(says), error.message)
  }
  for (const [command, says] of [
    [['a.get', { ID: [ref('lead')] }], 'commands[0].ID[0] refers to "lead"'],
    [['a.get', { a: { b: Number.NaN } }], 'commands[0].a.b is NaN'],
  ]) {
    const error = await client.batch([command]).catch((thrown) => thrown)
    assert.ok(error.message.includes(says), error.message)
  }
})

test('options of calls and lists', async () => {
  for (const [options, field] of [
    [{ priority: 'soon' }, 'priority'],
    [{ timeoutMs: -1 }, 'timeoutMs'],
    [{ timeoutMs: 0 }, 'timeoutMs'],
    [{ timeoutMs: 1e-9 }, 'timeoutMs'],
    [{ timeoutMs: '5' }, 'timeoutMs'],
    [{ idempotent: 'yes' }, 'idempotent'],
    [{ timeout: 5 }, 'timeout'],
  ]) {
    await assert.rejects(client.call('profile', {}, options), refuses(field))
  }
  for (const [options, field] of [
    [{ limit: -1 }, 'limit'],
    [{ strategy: 'fast' }, 'strategy'],
    [{ after: 'x' }, 'after'],
    [{ progress: 5 }, 'progress'],
  ]) {
    assert.throws(() => client.list('crm.lead.list', {}, options), refuses(field))
  }
  await assert.rejects(client.getByIds('crm.lead.list', [1, 'x']), refuses('ids'))
  await assert.rejects(
    client.v3.call('a.b', {}, { idempotencyKey: '' }),
    refuses('idempotency_key'),
  )
  assert.throws(() => client.v3.list('a.b', {}, { paging: 'sideways' }), refuses('paging'))
  const webhook = 'http://127.0.0.1:1/rest/1/qwertyuiop123456/'
  for (const [options, field] of [
    [{ rateLimit: 'fast' }, 'rate_limit'],
    [{ reserve: 1 }, 'reserve'],
    [{ movedTo: 'a b' }, 'portal'],
  ]) {
    assert.throws(() => Client.fromWebhook(webhook, options), refuses(field))
  }
  await assert.rejects(client.download('x', 5), refuses('to'))
  await assert.rejects(client.upload('a.b', {}, { name: 'x', content: 'text' }), refuses('file'))
  const file = { name: 'x', content: Buffer.from('x') }
  await assert.rejects(client.upload('a.b', {}, file, { progress: 5 }), refuses('progress'))
})

test('methods', async () => {
  for (const method of ['', '../oauth/token', 'a b', 'crm/lead', 5, null, undefined, {}]) {
    await assert.rejects(client.call(method), refuses('method'))
    await assert.rejects(client.batch([[method]]), refuses('method'))
    assert.throws(() => client.list(method), refuses('method'))
  }
  assert.throws(() => client.list('crm.lead.list', { start: 50 }), refuses('start'))
})

test('batches', async () => {
  for (const commands of [undefined, 'profile', {}, ['profile'], [[]], [['a', {}, 'b', 1]]]) {
    await assert.rejects(client.batch(commands), refuses('commands'))
  }
  await assert.rejects(client.batch([['a', {}, 1]]), refuses('name'))
  await assert.rejects(client.batch([['a', {}, 'No Name']]), refuses('name'))
  const chain = [
    ['a', {}, 'first'],
    ...Array.from({ length: 50 }, () => ['b', { ID: ref('first') }]),
  ]
  await assert.rejects(client.batch(chain), { kind: 'invalid_input' })
})

test('options', async () => {
  await assert.rejects(client.call('profile', {}, { sginal: null }), refuses('sginal'))
  await assert.rejects(client.call('profile', {}, { signal: 'stop' }), refuses('signal'))
  await assert.rejects(client.call('profile', {}, 5), refuses('options'))
  await assert.rejects(app.token(1, { minTTL: 5 }), refuses('minTTL'))
  assert.throws(() => app.tokenSync(1, 60), refuses('options'))
})

test('grants and numbers', async () => {
  for (const id of [-1, 0.5, Number.NaN, 2 ** 53, '1', 1n, null, undefined, {}]) {
    await assert.rejects(app.grant(id), refuses('grant'))
    await assert.rejects(app.token(id), refuses('grant'))
    assert.throws(() => app.tokenSync(id), refuses('grant'))
    assert.throws(() => app.client(id), refuses('grant'))
  }
  await assert.rejects(app.token(1, { minTtl: '60' }), refuses('minTtl'))
  await assert.rejects(app.token(1, { minTtl: 3001 }), refuses('min_ttl'))
  assert.throws(() => app.tokenSync(1, { minTtl: -60 }), refuses('minTtl'))
  await assert.rejects(app.renewToken(1, '2'), refuses('generation'))
})

test('settings of an application', async () => {
  const good = { clientId: 'local.1', clientSecret: 'secret' }
  for (const [settings, field] of [
    [undefined, 'clientId'],
    [{}, 'clientId'],
    ['local.1', 'options'],
    [{ ...good, clientId: 5 }, 'clientId'],
    [{ ...good, clientId: '' }, 'client_id'],
    [{ ...good, clientSecret: undefined }, 'clientSecret'],
    [{ ...good, client_id: 'x' }, 'client_id'],
    [{ ...good, store: 'mongodb://p' }, 'store'],
    [{ ...good, store: { sqlite: 'x' } }, 'store'],
    [{ ...good, key: 'a', keyFile: 'b' }, 'key'],
    [{ ...good, authorizationServer: 'https://evil.example' }, 'authorization_server'],
    [{ ...good, authorizationHosts: 'evil.example' }, 'authorizationHosts'],
    [{ ...good, authorizationHosts: [5] }, 'authorizationHosts'],
    [{ ...good, refreshByGet: 'yes' }, 'refreshByGet'],
  ]) {
    await assert.rejects(Application.open(settings), refuses(field), JSON.stringify(settings))
  }
})

test('portals, redirects and codes', async () => {
  for (const portal of ['', 'https://p.example/path', 5, undefined]) {
    assert.throws(() => app.authorizeUrl(portal), refuses('portal'))
    await assert.rejects(app.exchangeCode(portal, 'code'), refuses('portal'))
  }
  await assert.rejects(
    app.exchange('?code=x', { expectedState: undefined }),
    refuses('expectedState'),
  )
  await assert.rejects(app.exchange('?code=x'), refuses('expectedState'))
  await assert.rejects(app.exchange('?code=x', 'state'), refuses('options'))
  await assert.rejects(app.exchangeCode('p.bitrix24.com', 5), refuses('code'))
})

test('constructors are not for callers', () => {
  assert.throws(() => new Client('https://p.example/rest/1/x/'), InvalidInputError)
  assert.throws(() => new Application({}), InvalidInputError)
})
