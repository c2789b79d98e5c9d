import assert from 'node:assert/strict'
import { afterEach, beforeEach } from 'node:test'
import { scenarios } from '../../test-support/table.js'
import { product } from './support/install.js'
import { Stage } from './support/stage.js'

const test = scenarios(`${product}: trouble`)

/** @type {Stage} */
let stage
beforeEach(async () => {
  stage = await Stage.open()
})
afterEach(async () => {
  await stage.close()
})

test('a revoked grant: one escalation with reason and link over many ticks; a new code brings recovery', async () => {
  await stage.authorized()
  await stage.emulator.control('/revoke', { user_id: 1 })
  await stage.advance(3700)
  for (let n = 0; n < 10; n += 1) {
    const token = await stage.token()
    assert.equal(token.error, 'needs_reauthorization')
    await stage.advance(3600)
    await stage.tick()
  }
  const alert = await stage.alert('escalation', 'needs_reauthorization')
  assert.equal(alert.title, '"access_token" is not renewed: escalation to the process author')
  assert.match(alert.reason, /invalid_grant/)
  assert.match(alert.link, /\/oauth\/authorize\/\?client_id=.*&state=[0-9a-f]{32}$/)
  assert.equal(alert.authorization, 'Bearer key-of-the-receiver')
  assert.equal(stage.count('escalation'), 1)
  assert.equal((await stage.emulator.tokenErrors()).invalid_grant, 1, 'a dead token is sent once')

  const page = await stage.openLink(alert.link)
  assert.equal(page.status, 200)
  const recovery = await stage.alert('recovery')
  assert.equal(recovery.title, '"access_token" is renewed again')
  assert.ok((await stage.token()).access_token)
  await stage.advance(3700)
  assert.ok((await stage.token()).access_token, 'and it is renewed as before')
  assert.equal(stage.count('escalation'), 1)
  assert.equal(stage.count('recovery'), 1)
})

const unclear = {
  'an HTML page': { kind: 'html', status: 502 },
  'an HTML page that says 200': { kind: 'html', status: 200 },
  'a 500 without a body': { kind: 'status', status: 500 },
  'an unknown error': {
    kind: 'json',
    status: 400,
    body: '{"error":"SOMETHING_NEW","error_description":"?"}',
  },
  'no answer': { kind: 'drop' },
}
for (const [what, fault] of Object.entries(unclear)) {
  test(`${what}: a pause, the old token stays readable, then it recovers`, async () => {
    const first = await stage.authorized()
    await stage.advance(2000)
    await stage.emulator.control('/faults', { at: 'token', when: 'before', times: 1, ...fault })
    const short = await stage.token({ min_ttl: 3000 })
    assert.equal(short.access_token, first.access_token)
    assert.equal(short.short, true)
    for (let n = 0; n < 5; n += 1) {
      await stage.token({ min_ttl: 3000 })
      await stage.tick()
    }
    assert.equal(
      (await stage.emulator.control('/faults')).length ?? 0,
      0,
      'the fault was used up by the one attempt',
    )
    assert.equal(await stage.emulator.refreshes(), 0, 'nothing is sent during the pause')

    await stage.advance(40)
    await stage.tick()
    assert.equal(await stage.emulator.refreshes(), 1, 'the schedule finishes what was begun')
    const renewed = await stage.token({ min_ttl: 3000 })
    assert.notEqual(renewed.access_token, first.access_token)
    assert.equal(stage.alerts.length, 0)
  })
}

test('three failures, pauses that grow, then success: nobody is troubled', async () => {
  const first = await stage.authorized()
  await stage.advance(3700)
  const pauses = []
  for (const fault of Object.values(unclear).slice(0, 3)) {
    await stage.emulator.control('/faults', { at: 'token', when: 'before', times: 1, ...fault })
    const { error, retry_after } = await stage.token()
    assert.equal(error, 'renewal_delayed')
    pauses.push(retry_after)
    await stage.advance(retry_after + 1)
  }
  assert.notEqual((await stage.token()).access_token, first.access_token)
  assert.equal(await stage.emulator.refreshes(), 1)
  assert.equal(stage.alerts.length, 0)
  return `pauses ${pauses.join(', ')} s`
})

test('the answer is lost after the token was spent: told once, with the reason; the old token stays readable', async () => {
  const first = await stage.authorized()
  await stage.advance(2000)
  await stage.emulator.control('/faults', { at: 'token', kind: 'drop', when: 'after', times: 1 })
  assert.equal((await stage.token({ min_ttl: 3000 })).short, true)
  await stage.advance(40)
  for (let n = 0; n < 5; n += 1) await stage.tick()
  const alert = await stage.alert('escalation', 'needs_reauthorization')
  assert.match(alert.reason, /answer to an earlier attempt .* was lost/)
  assert.equal((await stage.token({ min_ttl: 60 })).access_token, first.access_token)
  assert.equal(stage.count('escalation'), 1)
})

test('an authorization server that stays away is told once, and its return once', async () => {
  await stage.authorized()
  await stage.advance(3700)
  await stage.emulator.control('/faults', { at: 'token', kind: 'html', status: 503, times: 8 })
  const pauses = []
  for (let n = 0; n < 8; n += 1) {
    const token = await stage.token()
    assert.equal(token.error, 'renewal_delayed')
    pauses.push(token.retry_after)
    if (n < 4) assert.equal(stage.alerts.length, 0, 'not before the fifth failure')
    else await stage.alert('escalation', 'unreachable')
    await stage.advance(token.retry_after + 1)
  }
  assert.ok(
    pauses.slice(1, 6).every((pause, n) => pause > pauses[n] * 1.5),
    `growing: ${pauses}`,
  )
  assert.equal(stage.count('escalation', 'unreachable'), 1)
  assert.ok((await stage.token()).access_token)
  await stage.alert('recovery')
  assert.equal(stage.alerts.length, 2)
})

test('a wrong client_secret is told as such, and kills nothing', async () => {
  await stage.authorized()
  await stage.advance(3700)
  await stage.import({ client_secret: 'wrong' })
  assert.equal((await stage.token()).error, 'application_refused')
  const alert = await stage.alert('escalation', 'application_refused')
  assert.match(alert.reason, /invalid_client/)
  for (let n = 0; n < 3; n += 1) await stage.tick()
  assert.equal((await stage.emulator.tokenErrors()).invalid_client, 1)

  await stage.import()
  await stage.nodeRed.press('b24oauth-start')
  await stage.alert('recovery')
  assert.ok((await stage.token()).access_token)
  assert.equal(stage.alerts.length, 2)
})

test('payment: told once, asked again after hours', async () => {
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
  assert.equal((await stage.token()).error, 'payment')
  await stage.advance(3600)
  await stage.tick()
  assert.equal(await stage.emulator.refreshes(), 0)
  await stage.advance(6 * 3600)
  assert.ok((await stage.token()).access_token)
  await stage.alert('escalation', 'payment')
  await stage.alert('recovery')
})

test('a new code that is refused leaves the token that is kept', async () => {
  const first = await stage.authorized()
  await stage.import({ code: '0000000000000000' })
  const notice = await stage.alert('notice', 'code_refused')
  assert.match(notice.reason, /30 seconds/)
  assert.equal((await stage.token()).access_token, first.access_token)
  await stage.advance(3700)
  assert.ok((await stage.token()).access_token)
})

test('a right that the application does not have is told', async () => {
  await stage.authorized({ scope: 'crm, telephony' })
  const notice = await stage.alert('notice', 'scope')
  assert.match(notice.reason, /no right to: telephony\./)
})
