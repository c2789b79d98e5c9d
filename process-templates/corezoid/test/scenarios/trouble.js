// What goes wrong: who is told, and how it ends.
import assert from 'node:assert/strict'
import { names, portal } from '../support/stage.js'
import { away, later, link, midRenewal, person, spent, started } from './support.js'

export const trouble = {
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

  'the storage heals while messages cannot be sent: the recovery is told later': {
    settings: { renewEveryMinutes: '0' },
    run: async (stage) => {
      await started(stage)
      await midRenewal(stage)
      stage.engine.pause(names.storage)
      await stage.advance(3600)
      assert.deepEqual(stage.kinds(), ['escalation store'])
      stage.alertStatus = 500
      stage.engine.resume(names.storage)
      await stage.advance(3600)
      assert.equal(stage.read('state'), 'ok')
      assert.equal(stage.place, 'Active token, the author has not heard that it is renewed')
      stage.alertStatus = 200
      await stage.advance(1900)
      assert.deepEqual(stage.kinds(), ['escalation store', 'recovery ok'])
      assert.equal(stage.place, 'Active token')
      const asked = await stage.asked()
      await stage.advance(86400)
      assert.equal(stage.kinds().length, 2, 'told once')
      assert.equal(await stage.asked(), asked, 'nothing was renewed for the sake of a message')
    },
  },

  'a recovery that cannot be sent: the next renewal tells it, and none is late': async (stage) => {
    await started(stage)
    await stage.fault({ ...away, times: 6 })
    await stage.advance(1500 + 1000)
    assert.deepEqual(stage.kinds(), ['escalation unreachable'])
    stage.alertStatus = 500
    await stage.advance(1500 + 300)
    assert.equal(stage.place, 'Active token')
    const before = await spent(stage)
    assert.ok(before >= 1)
    stage.alertStatus = 200
    await stage.advance(1500)
    assert.equal(await spent(stage), before + 1)
    assert.deepEqual(stage.kinds(), ['escalation unreachable', 'recovery ok'])
  },

  'the first pair cannot be saved for long, and is: told, and told again': async (stage) => {
    stage.engine.pause(names.storage)
    await stage.add()
    await stage.advance(1800)
    assert.deepEqual(stage.kinds(), ['escalation store'])
    stage.engine.resume(names.storage)
    await stage.advance(700)
    assert.equal(stage.place, 'Active token')
    assert.deepEqual(stage.kinds(), ['escalation store', 'recovery ok'])
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

  'the process is paused for eight hours: told once, and the recovery once': async (stage) => {
    await started(stage)
    stage.engine.pause(names.oauth)
    await stage.advance(8 * 3600)
    assert.deepEqual(stage.kinds(), ['escalation process_stopped'])
    const [{ text, portal: named, link: given }] = stage.alerts
    assert.match(text, /"Bitrix OAuth" takes no task.* See that it is active/)
    assert.deepEqual([named, given], [portal, ''])
    stage.engine.resume(names.oauth)
    await stage.advance(1600)
    assert.deepEqual(stage.kinds(), ['escalation process_stopped', 'recovery ok'])
    assert.equal(stage.place, 'Active token')
    assert.ok(await stage.works())
    stage.engine.pause(names.oauth)
    await stage.advance(3 * 3600)
    assert.equal(stage.kinds().length, 3, 'a new trouble is told anew')
  },

  'the process is paused, and a reply that nobody waits for goes nowhere': async (stage) => {
    stage.engine.readings = { ...stage.readings, lonelyReply: 'stays' }
    await started(stage)
    stage.engine.pause(names.oauth)
    await stage.advance(8 * 3600)
    stage.engine.resume(names.oauth)
    await stage.advance(1600)
    assert.deepEqual(stage.kinds(), ['escalation process_stopped', 'recovery ok'])
  },

  'the process is paused while messages cannot be sent: told later, once': async (stage) => {
    await started(stage)
    stage.engine.pause(names.oauth)
    stage.alertStatus = 500
    await stage.advance(2 * 3600)
    assert.deepEqual(stage.kinds(), [])
    stage.alertStatus = 200
    await stage.advance(6 * 3600)
    assert.deepEqual(stage.kinds(), ['escalation process_stopped'])
  },

  'the process is paused after trouble that nobody heard of: told without it': async (stage) => {
    await started(stage)
    stage.alertStatus = 500
    await stage.modify({ client_secret: 'wrong' })
    await stage.advance(1500 + 1200)
    assert.deepEqual(stage.kinds(), [])
    stage.engine.pause(names.oauth)
    stage.alertStatus = 200
    await stage.advance(7 * 3600)
    const [first] = stage.kinds()
    assert.equal(
      first,
      `escalation ${stage.reasonsSeen ? 'application_refused' : 'process_stopped'}`,
    )
    assert.equal(stage.kinds().length, 1)
  },

  'Corezoid hands over no task for hours, for whatever reason: told once': async (stage) => {
    for (const tag of ['copy_task_timeout', 'not_unical_ref', 'conveyor_is_not_active']) {
      await started(stage)
      const before = stage.kinds().length
      stage.engine.refuse(names.oauth, tag)
      await stage.advance(1500 + 2100)
      assert.deepEqual(stage.kinds().slice(before), ['escalation process_stopped'], tag)
      await stage.advance(8 * 3600)
      assert.equal(stage.kinds().length, before + 1, tag)
      stage.engine.refuse(names.oauth)
      await stage.advance(4000)
      assert.deepEqual(stage.kinds().slice(before + 1), ['recovery ok'], tag)
      assert.equal(stage.place, 'Active token', tag)
    }
  },

  'renewals begin and never come back: told, once': async (stage) => {
    await started(stage)
    for (let n = 0; n < 4; n += 1) {
      await stage.fault({ ...away, times: 1 })
      const waits = () => stage.engine.where(names.oauth, 'token') === 'Back off'
      for (let m = 0; m < 4000 && !waits(); m += 5) await stage.advance(5)
      assert.ok(waits())
      stage.engine.kill(names.oauth, 'token')
    }
    await stage.advance(1850)
    assert.deepEqual(stage.kinds(), ['escalation process_stopped'])
    await stage.advance(4000)
    assert.deepEqual(stage.kinds().slice(1), ['recovery ok'])
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
}
