// Grants and tokens against the emulator.

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { inspect } from 'node:util'

import { Application, NeedsReauthorizationError, StateMismatchError, Token } from 'evergrant'

import { Emulator } from '../../tests/node/emulator.mjs'
import { gate, until } from './portals.mjs'

let emulator
before(async () => {
  emulator = await Emulator.start({ leads: 10, burst: 0 })
})
after(() => emulator.stop())

async function authorized(settings = {}) {
  const { client_id: clientId, client_secret: clientSecret, authorization } = emulator.ready
  const app = await Application.open({
    clientId,
    clientSecret,
    authorizationServer: authorization,
    ...settings,
  })
  const { code } = await emulator.control('POST', '/consent', { user_id: 1 })
  return { app, grant: await app.exchangeCode(emulator.ready.portal, code) }
}

test('a redirect becomes a grant, a forged one does not', async () => {
  const { app } = await authorized()
  const { url, state } = app.authorizeUrl(emulator.ready.portal)
  assert.ok(url.includes(state))
  const consent = await emulator.control('POST', '/consent', { user_id: 2, state })
  await assert.rejects(
    app.exchange(consent.redirect_url, { expectedState: 'another' }),
    StateMismatchError,
  )
  const grant = await app.exchange(consent.redirect_url, { expectedState: state })
  assert.equal(grant.userId, 2)
  assert.equal(grant.memberId, emulator.ready.member_id)
  assert.deepEqual(await app.grant(grant.id), grant)
  assert.ok((await app.grants()).some(({ id }) => id === grant.id))
})

test('tokenSync answers what is here and never waits', async () => {
  const { app, grant } = await authorized()
  const token = await app.token(grant.id)
  const again = app.tokenSync(grant.id)
  assert.equal(again.accessToken, token.accessToken)
  assert.equal(app.tokenSync(grant.id, { minTtl: 100_000 }), undefined)
  assert.equal(app.tokenSync(grant.id + 1000), undefined)
})

test('renewToken renews once per generation', async () => {
  const { app, grant } = await authorized()
  const first = await app.token(grant.id)
  const renewed = await Promise.all(
    Array.from({ length: 10 }, () => app.renewToken(grant.id, first.generation)),
  )
  assert.deepEqual(new Set(renewed.map(({ generation }) => generation)), new Set([2]))
  assert.notEqual(renewed[0].accessToken, first.accessToken)
})

test('nothing that prints a token shows it', async () => {
  const { app, grant } = await authorized()
  const token = await app.token(grant.id)
  assert.ok(token instanceof Token)
  assert.match(token.accessToken, /^[0-9a-f]{70}$/)
  for (const shown of [
    inspect(token),
    inspect({ token }, { depth: null, showHidden: true }),
    JSON.stringify(token),
    String(token),
    JSON.stringify({ ...token }),
    JSON.stringify(Object.entries(token)),
    JSON.stringify(structuredClone(token)),
    inspect(app, { depth: null, showHidden: true }),
    inspect(app.client(grant.id), { depth: null, showHidden: true }),
  ]) {
    assert.ok(!shown.includes(token.accessToken), shown)
    assert.ok(!shown.includes(emulator.ready.client_secret), shown)
  }
  assert.match(inspect(token), /generation: 1/)
})

test('a revoked grant asks for a person', async () => {
  const { app, grant } = await authorized()
  await emulator.control('POST', '/revoke', {})
  await assert.rejects(app.renewToken(grant.id, grant.generation), NeedsReauthorizationError)
  assert.equal((await app.grant(grant.id)).status, 'needs_reauthorization')
})

test('an abort ends the wait for a rotation, not the rotation', async () => {
  const authorization = await gate(emulator.ready.authorization)
  try {
    const { app, grant } = await authorized({ authorizationServer: authorization.origin })
    await emulator.control('POST', '/clock', { advance: 3600 })
    const refreshes = async () =>
      (await emulator.control('GET', '/counters')).authorization.refreshes
    const before = await refreshes()

    const held = authorization.hold()
    const stop = new AbortController()
    const call = app.client(grant.id).call('profile', {}, { signal: stop.signal })
    await held
    stop.abort()
    await assert.rejects(call, { kind: 'cancelled' })
    assert.equal(await refreshes(), before)

    authorization.release()
    await until(async () => (await app.grant(grant.id)).generation === 2, 'the rotation')
    assert.equal((await app.client(grant.id).call('profile')).ID, '1')
    assert.equal(await refreshes(), before + 1)
  } finally {
    authorization.close()
  }
})
