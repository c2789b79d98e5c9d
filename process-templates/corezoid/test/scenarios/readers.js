// Those who read the token.
import assert from 'node:assert/strict'
import { names } from '../support/stage.js'
import { spent, started } from './support.js'

export const readers = {
  'Give: enough life, too little, a stale token, budget, nonsense': async (stage) => {
    assert.equal((await stage.give()).error, 'not_authorized')
    const first = await started(stage)
    assert.equal((await stage.give()).access_token, first)
    assert.equal((await stage.give({ stale_token: first })).error, 'renewal_delayed')
    await stage.advance(1300)
    const renewed = await stage.give({ stale_token: first })
    assert.notEqual(renewed.access_token, first)
    assert.equal(await spent(stage), 1)
    assert.equal((await stage.give({ stale_token: first })).access_token, renewed.access_token)
    assert.equal(await spent(stage), 1, 'however many report it')
    for (const min_ttl of ['2401', '-1', 'x', '1e3', '99999'])
      assert.equal((await stage.give({ min_ttl })).error, 'invalid_request')
    await stage.emulator.control('/revoke', { user_id: 1 })
    await stage.advance(1300)
    const short = await stage.give({ min_ttl: '2400' })
    assert.equal(short.short, 'yes')
    assert.equal(short.access_token, renewed.access_token)
    await stage.advance(3600)
    const none = await stage.give()
    assert.equal(none.error, 'renewal_delayed')
    assert.equal(none.access_token, '')
  },

  'a lead is created with the token that is read': async (stage) => {
    await started(stage)
    const make = async (title) => {
      stage.engine.create(stage.engine.conv(names.lead).object.obj_id, '', { title })
      await stage.settle()
      return stage.last(names.lead).end
    }
    assert.equal(await make('From Corezoid & co'), 'The lead is created')
    assert.match(await make(''), /^title is empty/)
    await stage.fault({ at: 'rest', kind: 'drop', when: 'after', times: 1 })
    stage.engine.create(stage.engine.conv(names.lead).object.obj_id, '', { title: 'Lost' })
    await stage.advance(70)
    assert.match(stage.last(names.lead).end, /^No answer: look whether the lead is there/)
    await stage.advance(3600)
    await stage.engine.kill(names.storage, 'token')
    assert.match(await make('No token'), /^No token to read/)
  },
}
