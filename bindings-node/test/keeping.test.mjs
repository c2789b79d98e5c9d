// Settings of the keeper, tokens without waiting, changes, shutdown.

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { after, before, test } from 'node:test'
import { fileURLToPath } from 'node:url'

import { Application, InvalidInputError, OperationCancelledError, RateLimitError } from 'evergrant'
import { Clock } from 'evergrant/testing'

import { Emulator } from '../../tests/node/emulator.mjs'
import { until } from './portals.mjs'

const PACKAGE = JSON.stringify(fileURLToPath(new URL('..', import.meta.url)))

let emulator
before(async () => {
  emulator = await Emulator.start({ leads: 10, burst: 0 })
})
after(() => emulator.stop())

function settings(more = {}) {
  const { client_id: clientId, client_secret: clientSecret, authorization } = emulator.ready
  return { clientId, clientSecret, authorizationServer: authorization, ...more }
}

async function authorized(more = {}) {
  const app = await Application.open(settings(more))
  const { code } = await emulator.consent()
  return { app, grant: await app.exchangeCode(emulator.ready.portal, code) }
}

test('a bad setting is named', async () => {
  for (const [field, value] of [
    ['rotationsPerHour', -1],
    ['rotationsPerDay', 2 ** 40],
    ['applicationRotationsPerHour', '7'],
    ['inFlight', 1.5],
    ['background', 'no'],
    ['retrySpent', 'sometimes'],
    ['retrySpent', 7],
    ['fixedInterval', -1],
    ['fixedInterval', 0],
    ['fixedInterval', Number.NaN],
    ['fixedInterval', 1e300],
    ['rateLimit', 'fast'],
    ['reserve', 0.95],
    ['reserve', '0.2'],
    ['spool', 5],
    ['clock', {}],
  ]) {
    await assert.rejects(Application.open(settings({ [field]: value })), (error) => {
      assert.ok(error instanceof InvalidInputError, `${field}: ${error}`)
      const named = error.context.field.replace(/_./, (match) => match[1].toUpperCase())
      assert.equal(named, field)
      return true
    })
  }
})

test('a budget that is used up says when', async () => {
  const clock = new Clock()
  const { app, grant } = await authorized({ rotationsPerHour: 1, clock })
  await app.renewToken(grant.id, 1)
  await assert.rejects(app.renewToken(grant.id, 2), (error) => {
    assert.ok(error instanceof RateLimitError)
    assert.ok(error.retryAfter > 3500 && error.retryAfter <= 3600, error.retryAfter)
    return true
  })
  clock.turn(3601)
  assert.equal((await app.renewToken(grant.id, 2)).generation, 3)
})

test('a token in memory is one object, and nobody can change it', async () => {
  const { app, grant } = await authorized()
  const first = await app.token(grant.id)
  assert.equal(app.tokenSync(grant.id), first)
  assert.equal(await app.token(grant.id, { minTtl: 120 }), first)
  assert.throws(() => {
    first.expiresAt = 0
  }, TypeError)
  assert.throws(() => first.scope.push('crm'), TypeError)
  const renewed = await app.renewToken(grant.id, first.generation)
  assert.equal(app.tokenSync(grant.id).accessToken, renewed.accessToken)
  assert.throws(() => app.tokenSync(-1), InvalidInputError)
  assert.throws(() => app.tokenSync(grant.id, { minTtl: 'x' }), /keeping\.test\.mjs|minTtl/)
})

test('changes are told when they are durable, and again where the listener throws', async () => {
  const { app, grant } = await authorized()
  const [told, errors] = [[], []]
  const listener = async (change) => {
    const { generation } = await app.grant(change.grant)
    told.push([change, generation])
    if (told.length === 1) throw new Error('not yet')
  }
  const stop = app.onChange(listener, { onError: (error) => errors.push(error.message) })
  await app.renewToken(grant.id, 1)
  const change = { grant: grant.id, generation: 2, status: 'active' }
  await until(async () => told.length === 2, 'the second call')
  assert.deepEqual(told, [
    [change, 2],
    [change, 2],
  ])
  assert.deepEqual(errors, ['not yet'])
  stop()
  await app.renewToken(grant.id, 2)
  assert.equal(told.length, 2)
  assert.throws(() => app.onChange('x'), InvalidInputError)
})

test('changes are read with for await; a signal loses none', async () => {
  const { app, grant } = await authorized()
  const stop = new AbortController()
  const changes = app.changes({ signal: stop.signal })
  const next = changes.next()
  await app.renewToken(grant.id, 1)
  assert.equal((await next).value.generation, 2)
  await app.renewToken(grant.id, 2)
  for await (const change of changes) {
    assert.equal(change.generation, 3)
    break
  }
  const stopped = app.changes({ signal: stop.signal }).next()
  stop.abort()
  await assert.rejects(stopped, OperationCancelledError)
})

test('shutting down waits for the exchange and begins none', async () => {
  const { app, grant } = await authorized()
  await emulator.control('POST', '/faults', { at: 'token', kind: 'delay', delay_ms: 700, times: 1 })
  const renewing = app.renewToken(grant.id, 1)
  const events = async () => (await app.audit(grant.id)).map(({ event }) => event)
  await until(async () => (await events()).includes('sent'), 'the exchange')
  assert.equal(await app.shutDown(30), true)
  assert.equal((await renewing).generation, 2)
  assert.deepEqual(await events(), ['installed', 'intent', 'sent', 'committed'])
  await assert.rejects(app.renewToken(grant.id, 2), OperationCancelledError)
  await assert.rejects(app.shutDown(-1), InvalidInputError)
})

test('maintenance, statistics, release and reseal answer', async () => {
  const { app, grant } = await authorized({ background: false })
  assert.equal(await app.maintain(), undefined)
  const { dueAt, expiresAt } = await app.nextKeepAlive()
  assert.ok(dueAt < expiresAt)
  assert.equal(await app.release(grant.id), undefined)
  assert.equal(await app.reseal(), 0)
  assert.equal(app.statistics().rotations, 0)
  const empty = await Application.open(settings())
  assert.equal(await empty.nextKeepAlive(), undefined)
})

/** Runs a program over an open application; what it printed. */
async function run(code) {
  const { code: consent } = await emulator.consent()
  const child = spawn(process.execPath, ['-e', `${PROGRAM}(async () => {${code}})()`], {
    env: {
      ...process.env,
      SETTINGS: JSON.stringify(settings()),
      PORTAL: emulator.ready.portal,
      CONSENT: consent,
    },
    timeout: 20_000,
  })
  let [out, err] = ['', '']
  child.stdout.on('data', (text) => {
    out += text
  })
  child.stderr.on('data', (text) => {
    err += text
  })
  const [status, signal] = await once(child, 'close')
  return { status, signal, out, err }
}

const PROGRAM = `
  const { Application } = require(${PACKAGE})
  const open = async () => {
    const app = await Application.open(JSON.parse(process.env.SETTINGS))
    return { app, grant: await app.exchangeCode(process.env.PORTAL, process.env.CONSENT) }
  };`

const quiet = { status: 0, signal: null, err: '' }

test('a listener holds no process', async () => {
  const code = `
    const { app, grant } = await open()
    for (let i = 0; i < 8; i += 1) app.onChange(() => console.log('told'))
    console.log('bye')`
  assert.deepEqual(await run(code), { ...quiet, out: 'bye\n' })
})

test('a listener that throws is a warning, and its pause holds no process', async () => {
  const code = `
    const { app, grant } = await open()
    app.onChange(() => { throw new Error('mine') })
    const hold = setInterval(() => {}, 10)
    process.once('warning', () => {
      clearInterval(hold)
      console.log('bye')
    })
    await app.renewToken(grant.id, 1)`
  const { err, ...rest } = await run(code)
  assert.deepEqual(rest, { status: 0, signal: null, out: 'bye\n' })
  assert.match(err, /EvergrantWarning: a listener of changes failed.*mine/)
})

test('waiting for the next change holds the process, and process.exit ends it', async () => {
  const code = `
    const { app } = await open()
    setTimeout(() => process.exit(7), 200).unref()
    for await (const change of app.changes()) console.log(change)`
  assert.deepEqual(await run(code), { status: 7, signal: null, out: '', err: '' })
})
