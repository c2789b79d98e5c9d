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
