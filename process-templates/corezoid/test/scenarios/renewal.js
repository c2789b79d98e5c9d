// Renewals, when all is well.
import assert from 'node:assert/strict'
import { portal } from '../support/stage.js'
import { spent, started } from './support.js'

export const renewal = {
  'three days, 173 renewals on request': {
    few: true,
    settings: { renewEveryMinutes: '0' },
    run: async (stage) => {
      const first = stage.now
      await started(stage)
      for (let n = 1; n <= 173; n += 1) {
        await stage.advance(first + n * 1500 - stage.now)
        const before = stage.read('access_token')
        const answer = await stage.give({ min_ttl: '2400' })
        assert.equal(answer.error, '', `renewal ${n}: ${answer.error_description}`)
        assert.notEqual(answer.access_token, before)
        assert.equal(answer.access_token, stage.read('access_token'))
      }
      assert.ok(stage.now - first >= 3 * 86400)
      assert.equal(await spent(stage), 173)
      assert.ok(await stage.works())
      assert.deepEqual(stage.kinds(), [])
    },
  },

  'two renewals by the own schedule': async (stage) => {
    await started(stage)
    await stage.advance(2 * 1500 + 60)
    assert.equal(await spent(stage), 2)
    assert.ok(await stage.works())
    await stage.advance(1400)
    assert.equal(await spent(stage), 2)
  },

  'timer 0: nothing by the clock, once in twenty days': {
    settings: { renewEveryMinutes: '0' },
    run: async (stage) => {
      await started(stage)
      await stage.advance(19 * 86400)
      assert.equal(await spent(stage), 0)
      await stage.advance(86400 + 60)
      assert.equal(await spent(stage), 1)
      assert.ok(await stage.works())
    },
  },

  'two ticks at once: one renewal': async (stage) => {
    await started(stage)
    const due = stage.read('renew_at')
    const asked = []
    const tick = () => {
      asked.push(stage.ask({ min_ttl: '2400' }), stage.ask({ min_ttl: '2400' }))
      stage.engine.modify(1000002, 'token', { command: 'refresh' })
    }
    await stage.engine.run(due - 1)
    tick()
    tick()
    await stage.advance(60)
    assert.equal(await spent(stage), 1, 'two requests just before the timer')
    await stage.engine.run(stage.read('renew_at'))
    tick()
    tick()
    await stage.advance(60)
    assert.equal(await spent(stage), 2, 'the timer, and two requests with it')
    await stage.modify({ remark: 'x' })
    await stage.settle()
    assert.equal(await spent(stage), 2, 'a request that was met does not come up again')
    await stage.modify({ renew_if_received_at: String(stage.read('received_at') - 1500) })
    await stage.settle()
    assert.equal(await spent(stage), 2, 'a request about an older pair is met already')
    assert.equal(stage.place, 'Active token')
    for (const answer of asked.slice(4))
      assert.equal(answer.access_token, stage.read('access_token'))
    assert.deepEqual(stage.kinds(), [])
  },

  'the timer fires while a code of a person is on its way': async (stage) => {
    await started(stage)
    await stage.engine.run(stage.read('renew_at') - 15)
    await stage.fault({ kind: 'drop', when: 'before', times: 1 })
    await stage.add()
    await stage.advance(10)
    assert.equal(stage.place, 'Somebody else is at it')
    await stage.advance(180)
    assert.equal(await spent(stage), 1)
    assert.equal(stage.place, 'Active token')
    assert.deepEqual(
      stage.kinds(),
      ['escalation code_not_exchanged'],
      'of the renewal nothing is told',
    )
  },

  'an answer without a lifetime or an address still keeps the pair': async (stage) => {
    await started(stage)
    await stage.emulator.control('/settings', { omit: ['expires_in', 'client_endpoint'] })
    await stage.advance(1600)
    assert.equal(await spent(stage), 1)
    assert.ok(await stage.works())
    assert.equal(stage.read('client_endpoint'), `https://${portal}/rest/`)
    assert.equal(stage.visits('Assume one hour'), 1)
    assert.ok(stage.read('expires_at') > stage.now + 3400)
  },
}
