// What goes wrong and how it ends: pauses, one escalation, recovery; kill -9.
import assert from 'node:assert/strict'
import { until } from '../../../test-support/wait.js'

/**
 * @param {ReturnType<import('../../../test-support/table.js').scenarios>} scenario
 * @param {import('../support/stage.js').Stage} stage
 */
export function trouble(scenario, stage) {
  const refreshes = () => stage.emulator.refreshes()

  scenario(
    'trouble: three failures, pauses that grow, the old token readable, then success',
    async () => {
      const first = await stage.authorized()
      await stage.advance(2000)
      const pauses = []
      for (const fault of [
        { kind: 'html', status: 502 },
        { kind: 'status', status: 500 },
        { kind: 'drop' },
      ]) {
        await stage.emulator.control('/faults', { at: 'token', when: 'before', times: 1, ...fault })
        const asked = await stage.asked()
        for (let n = 0; n < 2; n += 1) {
          const short = await stage.token({ min_ttl: 3000 })
          assert.equal(short.access_token, first.access_token)
          assert.equal(short.short, true)
        }
        await stage.tick()
        assert.equal(await stage.asked(), asked + 1, 'nothing is sent during the pause')
        const { retry_at } = stage.memory()
        pauses.push(retry_at - stage.now())
        await stage.advance(retry_at - stage.now() + 2)
      }
      assert.ok(pauses[1] > pauses[0] * 1.4 && pauses[2] > pauses[1] * 1.4, `growing: ${pauses}`)
      await stage.tick()
      assert.equal(await refreshes(), 1, 'the schedule finishes what was begun')
      assert.notEqual((await stage.token({ min_ttl: 3000 })).access_token, first.access_token)
      assert.equal(stage.sink.alerts.length, 0)
      return `pauses ${pauses.join(', ')} s`
    },
  )

  scenario('escalation: a server that stays away is told once, and its return once', async () => {
    await stage.authorized()
    await stage.advance(3700)
    await stage.emulator.control('/faults', { at: 'token', kind: 'html', status: 503, times: 7 })
    for (let n = 0; n < 7; n += 1) {
      const token = await stage.token()
      assert.equal(token.error, 'renewal_delayed')
      assert.match(token.what_to_do, /wait/)
      assert.equal(stage.sink.count('escalation'), n >= 4 ? 1 : 0, `after failure ${n + 1}`)
      await stage.tick()
      await stage.advance(token.retry_after + 1)
    }
    assert.match((await stage.sink.alert('escalation', 'unreachable')).reason, /503.* 5 times/)
    assert.ok((await stage.token()).access_token)
    await stage.sink.alert('recovery')
    assert.equal(stage.sink.alerts.length, 2)
  })

  scenario('escalation: a message that did not arrive is sent again, once', async () => {
    stage.sink.status = 500
    await stage.deploy()
    await stage.tick()
    assert.equal(stage.sink.refused > 0, true)
    stage.sink.status = 200
    for (let n = 0; n < 3; n += 1) await stage.tick()
    await stage.sink.alert('notice', 'not_authorized')
    assert.equal(stage.sink.alerts.length, 1)
  })

  scenario('escalation: a notice that did not arrive is sent again, once', async () => {
    await stage.authorized()
    stage.sink.status = 500
    await stage.deploy({ code: 'a-code-of-yesterday' })
    await stage.press()
    await stage.tick()
    assert.equal(stage.sink.refused > 0, true)
    stage.sink.status = 200
    for (let n = 0; n < 3; n += 1) await stage.tick()
    await stage.sink.alert('notice', 'code_refused')
    assert.equal(stage.sink.alerts.length, 1)
  })

  scenario(
    'revoked: one escalation with reason and link over many runs; the link brings recovery',
    async () => {
      await stage.authorized()
      await stage.emulator.control('/revoke', { user_id: 1 })
      await stage.advance(3700)
      for (let n = 0; n < 4; n += 1) {
        const token = await stage.token()
        assert.equal(token.error, 'needs_reauthorization')
        assert.match(token.what_to_do, /Open the link/)
        await stage.advance(3600)
        await stage.tick()
      }
      const alert = await stage.sink.alert('escalation', 'needs_reauthorization')
      assert.equal(alert.title, '"access_token" is not renewed: escalation to the process author')
      assert.match(alert.reason, /invalid_grant/)
      assert.match(alert.link, /\/oauth\/authorize\/\?client_id=.*&state=[0-9a-f]{32}$/)
      assert.equal(stage.sink.count('escalation'), 1)
      assert.equal(
        (await stage.emulator.tokenErrors()).invalid_grant,
        1,
        'a dead token is sent once',
      )

      assert.equal((await stage.openLink(alert.link)).status, 200)
      assert.equal((await stage.sink.alert('recovery')).title, '"access_token" is renewed again')
      await stage.advance(3700)
      assert.ok((await stage.token()).access_token, 'and it is renewed as before')
      assert.equal(stage.sink.alerts.length, 2)
    },
  )

  scenario(
    'new code: in Settings it wins over the token that is kept; a refused one leaves it',
    async () => {
      const first = await stage.authorized()
      await stage.deploy({ code: await stage.emulator.code() })
      await stage.press()
      const second = await stage.token()
      assert.notEqual(second.access_token, first.access_token)
      assert.equal(await refreshes(), 0)

      const late = await stage.emulator.code()
      await stage.advance(31)
      await stage.deploy({ code: late })
      await stage.press()
      const notice = await stage.sink.alert('notice', 'code_refused')
      assert.match(notice.reason, /30 seconds.*earlier token stays/)
      assert.equal((await stage.token()).access_token, second.access_token)
    },
  )

  scenario('payment: told once, asked again after hours, resumed when paid', async () => {
    await stage.authorized()
    await stage.advance(3700)
    const body = '{"error":"PAYMENT_REQUIRED","error_description":"Payment required"}'
    await stage.emulator.control('/faults', {
      at: 'token',
      kind: 'json',
      status: 403,
      body,
      times: 1,
    })
    const token = await stage.token()
    assert.equal(token.error, 'payment')
    assert.match(token.what_to_do, /paid/)
    await stage.advance(3600)
    await stage.tick()
    assert.equal((await stage.token()).error, 'payment')
    assert.equal(await refreshes(), 0)
    await stage.advance(6 * 3600)
    await stage.tick()
    assert.ok((await stage.token()).access_token)
    await stage.sink.alert('escalation', 'payment')
    await stage.sink.alert('recovery')
    assert.equal(stage.sink.alerts.length, 2)
  })

  scenario('wrong secret: told as such, kills nothing; put right, it resumes at once', async () => {
    await stage.authorized()
    await stage.advance(3700)
    await stage.deploy({ credential: 'a-wrong-secret' })
    assert.equal((await stage.token()).error, 'application_refused')
    const alert = await stage.sink.alert('escalation', 'application_refused')
    assert.match(alert.reason, /invalid_client/)
    for (let n = 0; n < 2; n += 1) await stage.tick()
    assert.equal((await stage.emulator.tokenErrors()).invalid_client, 1)

    await stage.deploy()
    await stage.press()
    await stage.sink.alert('recovery')
    assert.ok((await stage.token()).access_token)
    assert.equal(stage.sink.alerts.length, 2)
  })

  scenario('no credential chosen: told as such, nothing is sent', async () => {
    await stage.authorized()
    await stage.advance(3700)
    await stage.deploy({ credential: null })
    const token = await stage.token()
    assert.equal(token.error, 'client_secret_missing', JSON.stringify(token))
    assert.match(token.what_to_do, /Custom Auth/)
    await stage.sink.alert('escalation', 'client_secret_missing')
    assert.equal(await stage.asked(), 1)
    await stage.deploy()
    await stage.press()
    await stage.sink.alert('recovery')
  })

  scenario(
    'kill -9 between answer and save: told with the reason, the old token readable, consent helps',
    async () => {
      const first = await stage.authorized()
      await stage.advance(2000)
      await stage.emulator.control('/faults', {
        at: 'token',
        kind: 'late',
        delay_ms: 3000,
        times: 1,
      })
      const cut = stage.token({ min_ttl: 3000 }).catch(() => undefined)
      await until('the request', async () => (await stage.emulator.faults()) === 0, 30_000)
      await stage.restart('SIGKILL')
      await cut
      await until('the server rotates', async () => (await refreshes()) === 1)
      assert.equal(
        (await stage.token()).access_token,
        first.access_token,
        'the old one is readable',
      )
      await stage.advance(180)
      await stage.deploy({ code: 'a-code-of-yesterday' })
      await stage.press() // its refusal says nothing about the renewal that was cut off
      const short = await stage.token({ min_ttl: 3000 })
      assert.equal(short.access_token, first.access_token)
      assert.equal(short.short, true)
      const alert = await stage.sink.alert('escalation', 'needs_reauthorization')
      assert.match(alert.reason, /answer to an earlier attempt .* was lost/)
      assert.equal((await stage.openLink(alert.link)).status, 200)
      await stage.sink.alert('recovery')
      assert.notEqual((await stage.token({ min_ttl: 3000 })).access_token, first.access_token)
      const told = stage.sink.alerts.map(({ state }) => state)
      assert.deepEqual(told, ['code_refused', 'needs_reauthorization', 'ok'])
    },
  )
}
