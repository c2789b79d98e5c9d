// What a user's own tests start from.

import assert from 'node:assert/strict'
import { it } from 'node:test'

import '../../tests/node/emulator.mjs'
import { Application } from 'evergrant'
import { Emulator, program } from 'evergrant/testing'

it('ten lines are a test', async () => {
  const portal = await Emulator.start({ leads: 10 })
  const app = await Application.open({
    clientId: portal.ready.client_id,
    clientSecret: portal.ready.client_secret,
    authorizationServer: portal.ready.authorization,
  })
  const grant = await app.exchangeCode(portal.ready.portal, (await portal.consent()).code)
  await portal.advance(3600)
  assert.equal((await app.client(grant.id).call('profile')).ID, '1')
  const { authorization } = await portal.control('GET', '/counters')
  assert.equal(authorization.refreshes, 1)
  await portal.stop()
})

it('a missing program is said with a way out', () => {
  const { EVERGRANT_PROGRAM, PATH } = process.env
  delete process.env.EVERGRANT_PROGRAM
  process.env.PATH = '/nowhere'
  try {
    assert.throws(() => program(), /EVERGRANT_PROGRAM/)
  } finally {
    Object.assign(process.env, { EVERGRANT_PROGRAM, PATH })
  }
})

it('a flag that does not exist is an error, not a hang', async () => {
  await assert.rejects(Emulator.start({ noSuchFlag: 1 }), /no-such-flag/)
})

it('flags may be lists, objects and absent', async () => {
  const running = await Emulator.start({ leads: 1 })
  const portalPort = Number(new URL(running.ready.portal).port)
  await running.stop()
  const portal = await Emulator.start({
    portalPort,
    controlPort: undefined,
    leads: 1,
    tls: false,
    caFile: null,
    set: { rotation: 'family', omit: ['status'] },
    portal: [{ leads: 5 }, { seed: 9, settings: { paid: false } }],
    application: {
      client_id: 'app.other',
      client_secret: 'Other',
      redirect_uri: 'http://127.0.0.1:9/back',
    },
    user: [
      { id: 5, kind: 'admin' },
      { id: 6, name: 'Zoë' },
    ],
  })
  try {
    assert.equal(portal.ready.portal, `http://127.0.0.1:${portalPort}`)
    const { rotation, omit } = await portal.control('GET', '/settings')
    assert.deepEqual([rotation, omit], ['family', ['status']])
    assert.equal(portal.ready.portals.length, 3)
    const third = portal.ready.portals[2].member_id
    assert.equal((await portal.control('GET', `/portals/${third}/settings`)).paid, false)
    assert.equal(portal.ready.applications[1].client_id, 'app.other')
    const users = new Map((await portal.control('GET', '/users')).map((user) => [user.id, user]))
    assert.deepEqual([users.get(5).kind, users.get(6).name], ['admin', 'Zoë'])
  } finally {
    await portal.stop()
  }
})

it('settings may be words too', async () => {
  const portal = await Emulator.start({ set: ['rotation=grace', 'grace_window=5'] })
  const { rotation, grace_window: window } = await portal.control('GET', '/settings')
  await portal.stop()
  assert.deepEqual([rotation, window], ['grace', 5])
})

it('a refusal of the control port keeps its words', async () => {
  const portal = await Emulator.start({ leads: 1 })
  const change = portal.control('POST', '/settings', { rotation: 'loose' })
  await assert.rejects(change, /400 .*must be one of: strict, grace/)
  await portal.stop()
})
