// A first token, renewals on request and on schedule, and a reader.
import assert from 'node:assert/strict'
import { until } from '../../../test-support/wait.js'

/**
 * @param {ReturnType<import('../../../test-support/table.js').scenarios>} scenario
 * @param {import('../support/stage.js').Stage} stage
 */
export function tokens(scenario, stage) {
  const refreshes = () => stage.emulator.refreshes()

  scenario('first token: a code in Settings, taken once', async () => {
    const code = await stage.emulator.code()
    const token = await stage.authorized({ code })
    assert.equal(token.client_endpoint, `${stage.emulator.ready.portal}/rest/`)
    assert.equal(token.member_id, stage.emulator.ready.member_id)
    assert.ok(token.expires_in > 3400 && token.expires_in <= 3600, String(token.expires_in))
    for (let n = 0; n < 2; n += 1) await stage.press()
    await stage.tick()
    assert.equal((await stage.token()).access_token, token.access_token)
    assert.equal(await stage.asked(), 1, 'the same code is not sent again')
    assert.equal(stage.sink.alerts.length, 0)
  })

  scenario('first token: the consent link brings the code back; its state works once', async () => {
    await stage.deploy()
    await stage.press()
    const { link, text } = await stage.sink.alert('notice', 'not_authorized')
    assert.match(link, /state=[0-9a-f]{32}$/)
    assert.match(text, /Open the link/)
    const page = await stage.openLink(link)
    assert.equal(page.status, 200, page.text)
    assert.match(page.text, /has received the token/)
    assert.equal(page.headers.get('referrer-policy'), 'no-referrer')
    assert.ok((await stage.token()).access_token)
    await stage.sink.alert('notice', 'ok')

    const again = await stage.openLink(link)
    assert.equal(again.status, 400)
    assert.match(again.text, /was used before/)
    const callback = `${stage.n8n.url}/webhook/bitrix24/callback`
    for (const query of [
      'code=abc&state=wrong',
      'code=abc',
      'code=abc&state=a&state=b',
      'code=abc&state[a]=b',
    ])
      assert.equal((await fetch(`${callback}?${query}`)).status, 400, query)
    assert.equal(await stage.asked(), 1, 'a code without our state is not sent')
  })

  scenario('renewal: two by its own schedule, at 2 s', async () => {
    const fixed_renewal_minutes = 25
    await stage.authorized({ fixed_renewal_minutes })
    for (const expected of [1, 2]) {
      await stage.advance(1500)
      await stage.deploy({ fixed_renewal_minutes, every: 2 })
      await until('a renewal by itself', async () => (await refreshes()) === expected, 60_000)
      // The clock must not be turned in the middle of a run: n8n would take it for one that hangs.
      await stage.deploy({ fixed_renewal_minutes })
      await until('the end of the run', () => stage.memory().renewals?.length === expected)
      await stage.tick()
    }
    assert.equal(await refreshes(), 2)
    assert.equal(stage.sink.alerts.length, 0)
  })

  scenario(
    'renewal: an unused token after 20 days, once, and not by the clock before that',
    async () => {
      await stage.authorized()
      await stage.advance(19 * 86400)
      for (let n = 0; n < 2; n += 1) await stage.tick()
      assert.equal(await refreshes(), 0)
      await stage.advance(86400 + 60)
      for (let n = 0; n < 2; n += 1) await stage.tick()
      assert.equal(await refreshes(), 1)
    },
  )

  scenario(
    'renewal: an interval of 50 minutes is kept by the schedule as it is shipped',
    async () => {
      const every = stage.minutesBetweenTicks() * 60
      const { access_token } = await stage.authorized({ fixed_renewal_minutes: 50 })
      let age = 0
      for (; (await refreshes()) === 0; age += every) {
        assert.ok(age + every < 3600, `the token dies at the next tick, ${age + every} s old`)
        await stage.advance(every)
        await stage.tick()
      }
      assert.ok(age >= 3000, `not before its time: ${age} s`)
      const renewed = await stage.token()
      assert.notEqual(renewed.access_token, access_token)
      assert.equal(renewed.short, undefined)
      assert.equal(stage.sink.alerts.length, 0)
      return `at ${age / 60} minutes`
    },
  )

  scenario('a tick that has nothing to do writes nothing and leaves no execution', async () => {
    await stage.authorized()
    const asked = await stage.asked()
    const row = stage.row()
    for (let n = 0; n < 3; n += 1) await stage.tick()
    assert.deepEqual(stage.row(), row, 'the row is as it was, its date of change included')
    assert.equal(await stage.asked(), asked)
    const where = "where workflowId = 'b24OAuthToken001' and deletedAt is null"
    await until('no execution is listed', () => {
      const [{ count }] = stage.n8n.query(`select count(*) count from execution_entity ${where}`)
      return count === 0
    })
  })

  scenario(
    'renewal: enough life costs nothing; a stale token is renewed once; not without end',
    async () => {
      const first = await stage.authorized()
      assert.equal((await stage.token({ min_ttl: 3000 })).access_token, first.access_token)
      const second = await stage.token({ stale_token: first.access_token })
      assert.notEqual(second.access_token, first.access_token)
      const told = await stage.token({ stale_token: first.access_token })
      assert.equal(told.access_token, second.access_token, 'it was renewed already')
      let last = second
      for (let n = 0; n < 2; n += 1) last = await stage.token({ stale_token: last.access_token })
      const refused = await stage.token({ stale_token: last.access_token })
      assert.equal(refused.error, 'too_many_renewals')
      assert.ok(refused.retry_after > 0)
      assert.equal(await refreshes(), 3)
    },
  )

  scenario('two ticks and ten readers at once: one renewal', async () => {
    await stage.authorized({ fixed_renewal_minutes: 25 })
    await stage.advance(3700)
    const [tokens] = await Promise.all([
      Promise.all(Array.from({ length: 10 }, () => stage.token())),
      stage.tick(),
      stage.tick(),
    ])
    const distinct = new Set(tokens.map(({ access_token }) => access_token))
    assert.equal(distinct.size, 1, JSON.stringify(tokens))
    assert.ok([...distinct][0])
    assert.equal(await refreshes(), 1)
    assert.equal(await stage.asked(), 2)
    assert.equal(stage.sink.alerts.length, 0)
  })

  scenario(
    'kill -9 right after a renewal: the new pair is kept, what was told stays told',
    async () => {
      await stage.authorized()
      await stage.advance(3700)
      const { access_token } = await stage.token()
      await stage.restart('SIGKILL')
      assert.equal((await stage.token()).access_token, access_token)
      await stage.advance(3700)
      assert.ok((await stage.token()).access_token, 'the refresh token is the current one')
      assert.equal(await refreshes(), 2)
      assert.equal(stage.sink.alerts.length, 0)
    },
  )

  scenario(
    'example: a lead, also with a token that has expired at the portal; never twice',
    async () => {
      await stage.authorized()
      const { lead_id } = await stage.lead('From n8n')
      assert.ok(lead_id > 0)
      await stage.emulator.control('/clock', { advance: 3700 }) // the portal's clock alone: n8n believes that the token lives
      assert.equal((await stage.lead('After expiry')).lead_id, lead_id + 1)
      assert.equal(await refreshes(), 1)
      const fault = { at: 'rest', method: 'crm.lead.add', kind: 'html', status: 502, when: 'after' }
      await stage.emulator.control('/faults', fault)
      assert.match((await stage.lead('Unclear')).error_description, /may or may not exist/)
      assert.equal(
        (await stage.lead('Next')).lead_id,
        lead_id + 3,
        'the call that may have run was not repeated',
      )
      await stage.emulator.control('/revoke', { user_id: 1 })
      await stage.advance(3700)
      const none = await stage.lead('Without')
      assert.equal(none.error, 'needs_reauthorization')
      assert.match(none.what_to_do, /Open the link/)
    },
  )

  scenario('renewal: 173 on request, three days in steps of 25 minutes', async () => {
    const seen = new Set([(await stage.authorized()).access_token])
    for (let n = 0; n < 173; n += 1) {
      await stage.advance(1500)
      const { access_token, short } = await stage.token({ min_ttl: 3000 })
      assert.ok(access_token && !short, `renewal ${n + 1}`)
      seen.add(access_token)
    }
    assert.equal(seen.size, 174)
    assert.equal(await refreshes(), 173)
    assert.equal(await stage.asked(), 174, 'one request each')
    assert.deepEqual(stage.sink.alerts, [])
    return '173 runs, 173 tokens'
  })
}
