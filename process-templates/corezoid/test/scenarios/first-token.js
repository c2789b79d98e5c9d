// A code becomes the first token, or does not.
import assert from 'node:assert/strict'
import { names, portal } from '../support/stage.js'
import { spent, started } from './support.js'

export const firstToken = {
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

  'Settings filled in: a task with only code and client_secret works': async (stage) => {
    const { client_id } = stage.emulator.ready
    Object.assign(stage.setting(names.oauth), { portal, client_id, scope: 'crm,user' })
    await stage.add({ portal: '', client_id: undefined, scope: '' })
    assert.equal(stage.place, 'Active token')
    assert.equal(stage.read('portal_host'), portal)
    assert.equal(stage.read('client_id'), client_id)
    assert.equal(stage.read('scope'), 'crm,user')
    assert.ok(await stage.works())
  },

  'Settings filled in: what a task brings goes before it': async (stage) => {
    const other = { portal: 'other.bitrix24.com', client_id: 'local.other', scope: 'user' }
    Object.assign(stage.setting(names.oauth), other)
    await started(stage)
    assert.equal(stage.read('portal_host'), portal)
    assert.equal(stage.read('scope'), 'crm')
    await stage.advance(1600)
    assert.equal(await spent(stage), 1, 'a renewal is of the application whose token it is')
    assert.equal(stage.read('client_id'), stage.emulator.ready.client_id)
    assert.equal(stage.read('scope'), 'crm')
    assert.deepEqual(stage.kinds(), [])
  },

  'Settings filled in: what else is missing is asked for by name': async (stage) => {
    const { client_id } = stage.emulator.ready
    Object.assign(stage.setting(names.oauth), { portal, client_id })
    const brought = { portal: '', client_id: '', scope: '' }
    await stage.add({ ...brought, client_secret: '' })
    assert.match(stage.last().end, /^Something is empty: add the task again/)
    await stage.add({ ...brought, code: '' })
    assert.match(stage.last().end, /^There is no code/)
    stage.setting(names.oauth).portal = 'https://example.bitrix24.com'
    await stage.add(brought)
    assert.match(stage.last().end, /^The portal is not a host/)
    assert.equal(await stage.asked(), 0, 'nothing is sent')
  },

  'a new code while all is well': async (stage) => {
    const old = await started(stage)
    await stage.add()
    assert.notEqual(stage.read('access_token'), old)
    await stage.advance(3 * 1500)
    assert.ok(await stage.works())
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

  'a first answer without an address: that of the portal is taken': async (stage) => {
    await stage.emulator.control('/settings', { omit: ['client_endpoint'] })
    await stage.add({ portal: 'example' })
    assert.equal(stage.last().end, 'The token is saved')
    assert.equal(stage.place, 'Active token')
    assert.equal(stage.read('client_endpoint'), `https://${portal}/rest/`)
    assert.ok(await stage.works())
    await stage.advance(1600)
    assert.equal(await spent(stage), 1)
    assert.equal(stage.read('client_endpoint'), `https://${portal}/rest/`)
    assert.deepEqual(stage.kinds(), [])
  },

  'a wrong secret three times without a record: each task is told': async (stage) => {
    for (let n = 0; n < 3; n += 1) await stage.add({ client_secret: 'wrong' })
    assert.equal(stage.kinds().length, 3)
  },

  'a wrong secret three times beside a record: told once, and anew after a success': async (
    stage,
  ) => {
    const old = await started(stage)
    const state = stage.reasonsSeen ? 'application_refused' : 'code_refused'
    const wrong = async () => {
      await stage.add({ client_secret: 'wrong' })
      assert.match(
        stage.last().end,
        stage.reasonsSeen ? /^The application is refused/ : /^The code is not taken/,
      )
    }
    for (let n = 0; n < 3; n += 1) await wrong()
    assert.deepEqual(stage.kinds(), [`escalation ${state}`])
    assert.equal(stage.alerts[0].portal, portal)
    assert.match(stage.alerts[0].text, /client_secret is wrong|client_id or client_secret/)
    assert.equal(stage.read('access_token'), old, 'the token that is kept is left alone')
    assert.equal(stage.place, 'Active token')
    await stage.fault({ kind: 'drop', when: 'before', times: 1 })
    await stage.add()
    await stage.advance(100)
    assert.equal(stage.kinds()[1], 'escalation code_not_exchanged', 'another state is told')
    await stage.add()
    assert.equal(stage.last().end, 'The token is saved')
    await wrong()
    assert.deepEqual(stage.kinds().slice(2), [`escalation ${state}`])
    await stage.advance(1600)
    assert.ok(await stage.works())
    assert.equal(stage.kinds().length, 3, 'the token was renewed all the time: no recovery')
  },

  'a wrong secret in a task, after a renewal told the same': async (stage) => {
    await started(stage)
    await stage.modify({ client_secret: 'wrong' })
    await stage.advance(1500 + 1200)
    const before = stage.kinds()
    assert.equal(before.length, 1)
    for (let n = 0; n < 2; n += 1) await stage.add({ client_secret: 'wrong' })
    if (stage.reasonsSeen) assert.deepEqual(stage.kinds(), before, 'known already')
    else assert.deepEqual(stage.kinds().slice(1), ['escalation code_refused'])
    await stage.add()
    await stage.settle()
    assert.equal(stage.place, 'Active token')
    assert.equal(stage.kinds().at(-1), 'recovery ok')
  },

  'no usable answer to a code: it is not sent twice': async (stage) => {
    await stage.fault({ kind: 'drop', when: 'before', times: 1 })
    await stage.add()
    await stage.advance(600)
    assert.match(stage.last().end, /^The code is not taken/)
    assert.match(stage.last().data.reason, /No usable answer/)
    assert.equal(await stage.asked(), 1)
  },
}
