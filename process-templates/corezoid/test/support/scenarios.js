// What the shipped file has to do, whatever Corezoid does where nobody knows. Each gets a stage and asserts.
import assert from 'node:assert/strict'
import { names, portal } from './stage.js'

const link = (stage) =>
  `https://${portal}/oauth/authorize/?client_id=${stage.emulator.ready.client_id}`
const spent = async (stage) => (await stage.emulator.control('/counters')).authorization.refreshes

async function started(stage) {
  await stage.add()
  assert.equal(stage.place, 'Active token')
  return stage.read('access_token')
}

/** To the moment when Bitrix24 has answered and Corezoid has not yet looked at it. */
async function midRenewal(stage) {
  await stage.engine.run(stage.read('renew_at'))
  const asks = () => stage.engine.where(names.oauth, 'token') === 'Renew access_token'
  for (let n = 0; n < 60 && !asks(); n += 1) await stage.advance(1)
  assert.ok(asks(), 'the renewal is under way')
}

const away = { kind: 'html', status: 502, when: 'before' }
const person = "access_token doesn't update, a person is needed"
const later = "access_token isn't renewed yet"

export const scenarios = {
  'first token': async (stage) => {
    await started(stage)
    assert.ok(await stage.works())
    assert.equal(stage.read('client_endpoint'), `https://${portal}/rest/`)
    assert.ok(Math.abs(stage.read('expires_at') - stage.now - 3600) < 15)
    assert.equal(stage.last().end, 'The token is saved')
    assert.equal(stage.last().data, null, 'a task that held secrets is not kept')
    assert.deepEqual(stage.kinds(), [])
  },

  'first token, portal as a bare name': async (stage) => {
    await stage.add({ portal: 'example' })
    assert.equal(stage.place, 'Active token')
    assert.equal(stage.read('portal_host'), portal)
  },

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

  'three failures, then success': async (stage) => {
    const old = await started(stage)
    await stage.fault({ ...away, times: 2 })
    await stage.fault({ kind: 'drop', when: 'before' })
    await stage.advance(1500 + 30)
    assert.equal(stage.read('access_token'), old, 'the old token can be read meanwhile')
    assert.ok(await stage.works())
    await stage.advance(400)
    assert.notEqual(stage.read('access_token'), old)
    assert.equal(stage.place, 'Active token')
    assert.equal(await stage.asked(), 5)
    assert.deepEqual(stage.kinds(), [], 'passing trouble is not told')
  },

  'away for hours: told once, heals by itself, recovery told once': async (stage) => {
    await started(stage)
    await stage.fault({ ...away, times: 18 })
    await stage.advance(3 * 3600)
    assert.deepEqual(stage.kinds(), ['escalation unreachable', 'recovery ok'])
    assert.equal(stage.place, 'Active token')
    assert.ok(await stage.works())
    assert.equal(await stage.asked(), 1 + 18 + (await spent(stage)))
    await stage.fault({ ...away, times: 6 })
    await stage.advance(2 * 3600)
    assert.equal(stage.kinds().length, 4, 'a new trouble is told anew')
  },

  'revoked: told once with the link; a new code brings it back': async (stage) => {
    const old = await started(stage)
    await stage.emulator.control('/revoke', { user_id: 1 })
    await stage.advance(1500 + 1200)
    const state = stage.reasonsSeen ? 'needs_reauthorization' : 'refused'
    assert.deepEqual(stage.kinds(), [`escalation ${state}`])
    const [{ title, text, link: given }] = stage.alerts
    assert.equal(title, '"access_token" is not renewed: escalation to the process author')
    assert.match(text, stage.reasonsSeen ? /invalid_grant/ : /does not show why/)
    assert.equal(given, link(stage))
    assert.equal(stage.visits(`"access_token" doesn't update. Escalation to the process author`), 1)
    assert.equal(stage.read('access_token'), old, 'the old token can be read meanwhile')
    assert.equal(stage.place, stage.reasonsSeen ? person : later)
    if (stage.reasonsSeen) assert.equal(await stage.asked(), 2, 'a dead token is sent once')
    await stage.advance(40 * 3600)
    assert.equal(stage.kinds().length, 1, 'told once')

    assert.equal(await stage.add(), undefined)
    await stage.settle()
    assert.deepEqual(stage.kinds().slice(1), ['recovery ok'])
    assert.equal(stage.place, 'Active token')
    assert.ok(await stage.works())
    await stage.advance(3 * 1500)
    assert.ok(await stage.works())
    assert.equal(stage.kinds().length, 2)
  },

  'payment lapsed, then paid': async (stage) => {
    await started(stage)
    await stage.emulator.control('/settings', { paid: false })
    await stage.advance(1500 + 3 * 3600)
    assert.deepEqual(stage.kinds(), [`escalation ${stage.reasonsSeen ? 'payment' : 'refused'}`])
    assert.equal(stage.place, later)
    await stage.emulator.control('/settings', { paid: true })
    await stage.advance(4 * 3600)
    assert.equal(stage.kinds()[1], 'recovery ok', 'it tries again by itself')
    assert.ok(await stage.works())
    assert.equal(stage.kinds().length, 2)
  },

  'payment lapsed, paid, and asked for at once': async (stage) => {
    await started(stage)
    await stage.emulator.control('/settings', { paid: false })
    await stage.advance(1500 + 1200)
    await stage.emulator.control('/settings', { paid: true })
    assert.equal(await stage.modify({ command: 'refresh' }), undefined)
    await stage.settle()
    assert.equal(stage.place, 'Active token')
    assert.equal(stage.kinds().length, 2)
  },

  'a new code while all is well': async (stage) => {
    const old = await started(stage)
    await stage.add()
    assert.notEqual(stage.read('access_token'), old)
    await stage.advance(3 * 1500)
    assert.ok(await stage.works())
    assert.deepEqual(stage.kinds(), [])
  },

  'killed between answer and save: as the notes say': async (stage) => {
    const old = await started(stage)
    await midRenewal(stage)
    stage.engine.kill(names.oauth, 'token')
    assert.equal(await spent(stage), 1, 'Bitrix24 has rotated')
    await stage.advance(600)
    assert.equal(stage.read('access_token'), old)
    assert.deepEqual(stage.kinds(), [])
    await stage.advance(stage.reasonsSeen ? 1300 : 2300)
    assert.deepEqual(stage.kinds(), [
      `escalation ${stage.reasonsSeen ? 'needs_reauthorization' : 'refused'}`,
    ])
    assert.match(
      stage.alerts[0].text,
      /An earlier attempt (never reported back|had no usable answer)/,
    )
    assert.equal(stage.alerts[0].link, link(stage))
    await stage.add()
    await stage.settle()
    assert.equal(stage.kinds()[1], 'recovery ok')
    assert.ok(await stage.works())
  },

  'the answer is lost after the rotation: told with this reason': async (stage) => {
    await started(stage)
    await stage.fault({ kind: 'drop', when: 'after', times: 1 })
    await stage.advance(1500 + 1500)
    assert.equal(stage.kinds().length, 1)
    assert.match(stage.alerts[0].text, /An earlier attempt had no usable answer/)
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

  'a wrong secret with the first code': async (stage) => {
    await stage.add({ client_secret: 'wrong' })
    const state = stage.reasonsSeen ? 'application_refused' : 'code_refused'
    assert.deepEqual(stage.kinds(), [`escalation ${state}`])
    assert.match(
      stage.last().end,
      stage.reasonsSeen ? /^The application is refused: compare/ : /^The code is not taken: open/,
    )
    assert.equal(stage.place, undefined, 'nothing is kept')
    await stage.add()
    assert.equal(stage.place, 'Active token')
  },

  'a wrong secret later': async (stage) => {
    await started(stage)
    await stage.modify({ client_secret: 'wrong' })
    await stage.advance(1500 + 1200)
    const state = stage.reasonsSeen ? 'application_refused' : 'refused'
    assert.deepEqual(stage.kinds(), [`escalation ${state}`])
    await stage.modify({ client_secret: stage.emulator.ready.client_secret, command: 'refresh' })
    await stage.settle()
    assert.equal(stage.kinds()[1], 'recovery ok')
    assert.ok(await stage.works())
  },

  'a code that expired, and one that was used': async (stage) => {
    const code = await stage.code()
    await stage.advance(31)
    await stage.add({ code })
    assert.match(stage.last().end, /^The code is not taken: open the consent link, .* 30 seconds$/)
    assert.equal(stage.place, undefined)
    const good = await stage.code()
    await stage.add({ code: good })
    const token = stage.read('access_token')
    await stage.add({ code: good })
    assert.match(stage.last().end, /^The code is not taken/)
    assert.equal(stage.read('access_token'), token, 'the token that is kept is left alone')
    assert.equal(stage.place, 'Active token')
  },

  'a code of another portal': async (stage) => {
    await stage.emulator.control('/settings', {
      client_endpoint: 'https://other.bitrix24.com/rest/',
    })
    await stage.add()
    assert.match(stage.last().end, /^The code is of another portal: write its whole host/)
    assert.match(stage.last().data.reason, /other\.bitrix24\.com/)
    assert.equal(stage.place, undefined, 'its token is not kept')
  },

  'no usable answer to a code: it is not sent twice': async (stage) => {
    await stage.fault({ kind: 'drop', when: 'before', times: 1 })
    await stage.add()
    await stage.advance(600)
    assert.match(stage.last().end, /^The code is not taken/)
    assert.match(stage.last().data.reason, /No usable answer/)
    assert.equal(await stage.asked(), 1)
  },

  'the state diagram is paused right after a rotation: the pair is held, told, saved': async (
    stage,
  ) => {
    const old = await started(stage)
    await midRenewal(stage)
    stage.engine.pause(names.storage)
    await stage.advance(3600)
    assert.deepEqual(stage.kinds(), ['escalation store'])
    assert.equal(await spent(stage), 1)
    assert.equal(stage.read('access_token'), old)
    stage.engine.resume(names.storage)
    await stage.advance(700)
    assert.equal(stage.place, 'Active token')
    assert.ok(await stage.works())
    assert.deepEqual(stage.kinds(), ['escalation store', 'recovery ok'])
    await stage.advance(1500)
    assert.ok(await stage.works())
  },

  'the record is deleted during a renewal: it is made anew': async (stage) => {
    await started(stage)
    await midRenewal(stage)
    stage.engine.kill(names.storage, 'token')
    await stage.settle()
    assert.equal(stage.place, 'Active token')
    assert.ok(await stage.works())
  },

  'messages cannot be sent for a while: told later, once': async (stage) => {
    await started(stage)
    stage.alertStatus = 500
    await stage.emulator.control('/revoke', { user_id: 1 })
    await stage.advance(3 * 3600)
    assert.deepEqual(stage.kinds(), [])
    stage.alertStatus = 200
    await stage.advance(7 * 3600)
    assert.equal(stage.kinds().length, 1)
    await stage.advance(20 * 3600)
    assert.equal(stage.kinds().length, 1)
  },

  'the process is paused: the storage says so and heals': async (stage) => {
    await started(stage)
    stage.engine.pause(names.oauth)
    await stage.advance(1600)
    assert.equal(stage.read('state'), 'process_stopped')
    assert.equal(stage.place, later)
    assert.ok(await stage.works())
    stage.engine.resume(names.oauth)
    await stage.advance(1600)
    assert.equal(stage.place, 'Active token')
    assert.equal(await spent(stage), 1)
  },

  'killed while it waited: the renewal is taken up again, nobody is bothered': async (stage) => {
    await started(stage)
    await stage.fault({ ...away, times: 1 })
    await stage.engine.run(stage.read('renew_at') + 15)
    assert.equal(stage.engine.where(names.oauth, 'token'), 'Back off')
    stage.engine.kill(names.oauth, 'token')
    await stage.advance(1850)
    assert.equal(stage.place, 'Active token')
    assert.equal(await spent(stage), 1)
    assert.ok(await stage.works())
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

  'a setting is spoiled later: told, and healed by command=refresh': async (stage) => {
    await started(stage)
    const settings = stage.setting(names.oauth)
    settings.renew_every_minutes = 'often'
    await stage.advance(1600)
    assert.deepEqual(stage.kinds(), ['escalation settings'])
    assert.equal(await spent(stage), 0, 'nothing is spent that could not be kept')
    settings.renew_every_minutes = '30'
    await stage.modify({ command: 'refresh' })
    await stage.settle()
    assert.equal(stage.place, 'Active token')
    assert.deepEqual(stage.kinds().slice(1), ['recovery ok'])
    assert.ok(stage.read('renew_at') - stage.now > 1750)
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

const empty = /^Something is empty: add the task again/
const malformed = /^client_id, client_secret or code is copied wrongly/
const noHost = /^The portal is not a host: write example/
/** Bad inputs, and the node where they have to end. */
export const badInputs = [
  [{ portal: undefined }, empty],
  [{ portal: '' }, empty],
  [{ client_id: '' }, empty],
  [{ client_secret: undefined }, empty],
  [{ code: '' }, /^There is no code: open the consent link/],
  [{ code: undefined }, /^There is no code/],
  [{ portal: `https://${portal}` }, noHost],
  [{ portal: `${portal}/rest/` }, noHost],
  [{ portal: 'Example.bitrix24.com' }, noHost],
  [{ portal: 'a b' }, noHost],
  [{ portal: 'user@evil.example' }, noHost],
  [{ portal: '{{client_secret}}' }, noHost],
  [{ portal: '$.unixtime()' }, noHost],
  [{ client_id: 'local.1&x=2' }, malformed],
  [{ code: 'abc&domain=x' }, malformed],
  [{ client_secret: 'a b' }, malformed],
  [{ code: 'x'.repeat(600) }, malformed],
]
