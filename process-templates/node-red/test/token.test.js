import assert from 'node:assert/strict'
import { afterEach, beforeEach } from 'node:test'
import { scenarios } from '../../test-support/table.js'
import { until } from '../../test-support/wait.js'
import { product } from './support/install.js'
import { Stage } from './support/stage.js'

const test = scenarios(`${product}: tokens`)

/** @type {Stage} */
let stage
beforeEach(async () => {
  stage = await Stage.open()
})
afterEach(async () => {
  await stage.close()
})

test('a code in the settings becomes a token, once', async () => {
  const code = await stage.emulator.code()
  const token = await stage.authorized({ code })
  assert.equal(token.client_endpoint, `${stage.emulator.ready.portal}/rest/`)
  assert.equal(token.member_id, stage.emulator.ready.member_id)
  assert.ok(token.expires_in > 3500 && token.expires_in <= 3600, String(token.expires_in))
  assert.equal(token.access_token, stage.nodeRed.context().access_token)

  await stage.import({ code })
  await stage.nodeRed.press('b24oauth-start')
  await stage.settled()
  assert.equal(await stage.asked(), 1, 'the same code is not sent again')
  assert.equal((await stage.token()).access_token, token.access_token)
})

test('a new code in the settings wins over the token that is kept', async () => {
  const first = await stage.authorized()
  await stage.import({ code: await stage.emulator.code() })
  const second = await until('another token', async () => {
    const token = await stage.token()
    return token.access_token !== first.access_token && token
  })
  assert.equal(await stage.emulator.refreshes(), 0)
  assert.equal(stage.nodeRed.context().access_token, second.access_token)
})

test('the consent link brings the code to the redirect address; its state works once', async () => {
  await stage.import()
  await stage.nodeRed.press('b24oauth-start')
  await stage.tick()
  const { link } = await stage.alert('notice', 'not_authorized')
  assert.match(link, /state=[0-9a-f]{32}$/)

  const page = await stage.openLink(link)
  assert.equal(page.status, 200)
  assert.match(page.text, /has received the token/)
  assert.ok((await stage.token()).access_token)
  await stage.alert('notice', 'ok')

  const again = await stage.openLink(link)
  assert.equal(again.status, 400)
  assert.match(again.text, /was used before/)
  assert.equal(await stage.asked(), 1)
})

test('a code with a wrong, a missing or a doubled state is refused unsent', async () => {
  await stage.import()
  await until('a state to compare with', () => stage.nodeRed.context('bitrix24_consent').state)
  for (const query of [
    'code=abc&state=wrong',
    'code=abc',
    'code=abc&state=a&state=b',
    'code=abc&state[a]=b',
  ]) {
    const page = await fetch(`${stage.nodeRed.url}/bitrix24/callback?${query}`)
    assert.equal(page.status, 400, query)
    assert.equal(page.headers.get('referrer-policy'), 'no-referrer')
  }
  assert.equal(await stage.asked(), 0)
})

test('a token with enough life is handed out without a renewal; with less it is renewed', async () => {
  const first = await stage.authorized()
  assert.equal((await stage.token({ min_ttl: 3000 })).access_token, first.access_token)
  assert.equal(await stage.emulator.refreshes(), 0)
  await stage.advance(700)
  assert.equal((await stage.token({ min_ttl: 60 })).access_token, first.access_token)
  assert.equal(await stage.emulator.refreshes(), 0)
  const renewed = await stage.token({ min_ttl: 3000 })
  assert.notEqual(renewed.access_token, first.access_token)
  assert.equal(await stage.emulator.refreshes(), 1)
})

test('ten requests at once for an expired token cost one renewal, saved before anybody gets it', async () => {
  await stage.authorized()
  await stage.advance(3700)
  const tokens = await Promise.all(
    Array.from({ length: 10 }, async () => {
      const token = await stage.token()
      assert.equal(stage.nodeRed.context().access_token, token.access_token, 'on disk already')
      return token.access_token
    }),
  )
  assert.equal(new Set(tokens).size, 1)
  assert.ok(tokens[0])
  assert.equal(await stage.emulator.refreshes(), 1)
})

test('a nonsense min_ttl is refused by name', async () => {
  await stage.authorized()
  for (const min_ttl of ['soon', -1, 3001, {}]) {
    const token = await stage.token({ min_ttl })
    assert.equal(token.error, 'invalid_request')
    assert.match(token.error_description, /min_ttl/)
  }
  assert.equal(await stage.emulator.refreshes(), 0)
})

test('reports of a stale token renew once each, and not without end', async () => {
  const first = await stage.authorized()
  const second = await stage.token({ stale_token: first.access_token })
  assert.notEqual(second.access_token, first.access_token)
  assert.equal(
    (await stage.token({ stale_token: first.access_token })).access_token,
    second.access_token,
    'it was renewed already',
  )
  assert.equal(await stage.emulator.refreshes(), 1)

  let last = second
  for (let n = 0; n < 2; n += 1) last = await stage.token({ stale_token: last.access_token })
  const refused = await stage.token({ stale_token: last.access_token })
  assert.equal(refused.error, 'too_many_renewals')
  assert.ok(refused.retry_after > 0)
  assert.equal(await stage.emulator.refreshes(), 3)
})

test('on schedule: an idle token is renewed after 20 days, once, and not by the clock before that', async () => {
  await stage.authorized()
  await stage.advance(19 * 86400)
  for (let n = 0; n < 3; n += 1) await stage.tick()
  assert.equal(await stage.emulator.refreshes(), 0)
  await stage.advance(86400 + 60)
  for (let n = 0; n < 3; n += 1) await stage.tick()
  assert.equal(await stage.emulator.refreshes(), 1)
})

test('the timer of 25 minutes, where it is switched on', async () => {
  await stage.authorized({ fixed_renewal_minutes: '25' })
  await stage.advance(24 * 60)
  await stage.tick()
  assert.equal(await stage.emulator.refreshes(), 0)
  for (const expected of [1, 2, 3, 4, 5]) {
    await stage.advance(expected === 1 ? 61 : 25 * 60)
    await stage.tick()
    await stage.tick()
    assert.equal(await stage.emulator.refreshes(), expected)
  }
})

test('173 renewals on request: three days in steps of 25 minutes', async () => {
  const seen = new Set([(await stage.authorized()).access_token])
  for (let n = 0; n < 173; n += 1) {
    await stage.advance(1500)
    const { access_token, short } = await stage.token({ min_ttl: 3000 })
    assert.ok(access_token && !short, `renewal ${n + 1}`)
    seen.add(access_token)
  }
  assert.equal(seen.size, 174)
  assert.equal(await stage.emulator.refreshes(), 173)
  assert.equal(await stage.asked(), 174, 'one request each')
  assert.equal(stage.alerts.length, 0)
  return '173 runs, 173 tokens'
})

test('two renewals by its own schedule, at 2 s', async () => {
  await stage.authorized({ fixed_renewal_minutes: '25', tick: '2' })
  for (const expected of [1, 2]) {
    await stage.advance(1500)
    await until('a renewal by itself', async () => (await stage.emulator.refreshes()) === expected)
  }
})

test('two ticks at once, and ten readers: one renewal', async () => {
  await stage.authorized({ fixed_renewal_minutes: '25' })
  await stage.advance(3700)
  const [tokens] = await Promise.all([
    Promise.all(Array.from({ length: 10 }, () => stage.token())),
    stage.tick(),
    stage.tick(),
  ])
  assert.equal(new Set(tokens.map(({ access_token }) => access_token)).size, 1)
  assert.equal(await stage.emulator.refreshes(), 1)
  assert.equal(await stage.asked(), 2)
  assert.equal(stage.alerts.length, 0)
})

test('nobody needs to press the button of the schedule', async () => {
  await stage.authorized()
  await stage.advance(21 * 86400)
  await stage.import({ tick: '1' })
  await until('a renewal by itself', async () => (await stage.emulator.refreshes()) === 1)
})

test('the example creates a lead, also with a token that has expired at the portal', async () => {
  await stage.authorized()
  const leads = async () => (await stage.emulator.portal()).methods['crm.lead.add'] ?? 0
  await stage.nodeRed.press('b24oauth-new-lead')
  await until('the lead', async () => (await leads()) === 1)
  assert.equal(await stage.emulator.refreshes(), 0)

  await stage.emulator.control('/clock', { advance: 3700 }) // the portal's clock alone: Node-RED believes that the token lives
  const before = await highestLead()
  await stage.nodeRed.press('b24oauth-new-lead')
  await until('the second lead', async () => (await highestLead()) > before)
  assert.equal(await stage.emulator.refreshes(), 1)
  assert.equal((await stage.emulator.portal()).errors.expired_token, 1)
  assert.equal(await highestLead(), before + 1)

  async function highestLead() {
    const answer = await fetch(
      `${stage.emulator.ready.webhook}crm.lead.list.json?order[ID]=DESC&select[]=ID&start=-1`,
    )
    return Number((await answer.json()).result[0].ID)
  }
})

test('the example does not repeat a call that may have run', async () => {
  await stage.authorized()
  await stage.emulator.control('/faults', {
    at: 'rest',
    method: 'crm.lead.add',
    kind: 'html',
    status: 502,
    when: 'after',
  })
  await stage.nodeRed.press('b24oauth-new-lead')
  const calls = async () =>
    (await stage.emulator.control('/log?after=0')).filter(({ path }) =>
      path.includes('crm.lead.add'),
    ).length
  await until('the call', async () => (await calls()) === 1)
  await stage.settled()
  await stage.token()
  assert.equal(await calls(), 1)
})
