// Bad input: every job ends in a named node that says what to do.
import assert from 'node:assert/strict'
import { afterEach, beforeEach } from 'node:test'
import { scenarios } from '../../test-support/table.js'
import { until } from '../../test-support/wait.js'
import { product } from './support/install.js'
import { listen } from './support/sidebar.js'
import { Stage } from './support/stage.js'

const test = scenarios(`${product}: bad input`)

/** @type {Stage} */
let stage
let shown
beforeEach(async () => {
  stage = await Stage.open({ disableEditor: false })
  shown = await listen(stage)
})
afterEach(async () => {
  shown.close()
  await stage.close()
})

/** Imports and waits for the end that the first job comes to. */
async function endOf(changes, name) {
  const before = shown.named(name).length
  await stage.import(changes)
  const end = await shown.line(name, before + 1)
  assert.ok(end.what_to_do, `${name} says what to do`)
  return end
}

test('settings that are missing or make no sense end in a node that names the field, unechoed', async () => {
  const fill = 'Fill in portal, client_id, client_secret'
  const path = 'Correct the portal'
  const cases = [
    [{ portal: '', client_id: '' }, fill, /portal and client_id are empty/],
    [{ portal: '' }, fill, /portal is empty/],
    [{ client_id: '' }, fill, /client_id is empty/],
    [{ client_secret: '' }, fill, /client_secret is missing/],
    [{ portal: 'https://example.bitrix24.com/rest/1/pasted-secret/' }, path, /must be a host only/],
    [{ portal: 'user:pasted-secret@example.bitrix24.com' }, path, /must be a host only/],
    [{ portal: 'https://pasted-secret@example.bitrix24.com' }, path, /must be a host only/],
    [{ portal: 'example.bitrix24.com?a=pasted-secret' }, path, /must be a host only/],
    [{ portal: 'ftp://example.bitrix24.com' }, path, /portal must use https/],
    [{ portal: 'http://example.bitrix24.com' }, path, /portal must use https/],
    [
      { authorization_server: 'http://oauth.example.com' },
      'Correct the settings of this tab',
      /authorization_server must use https/,
    ],
    [
      { keep_alive_days: '300' },
      'Correct the settings of this tab',
      /keep_alive_days must be a number from 1 to 25/,
    ],
  ]
  for (const [typed, name, reason] of cases) {
    const end = await endOf(typed, name)
    assert.match(end.reason, reason, JSON.stringify(typed))
    assert.match((await stage.token()).error_description, reason)
  }
  await stage.alert('escalation', 'settings')
  assert.ok(!`${shown.text}${JSON.stringify(stage.alerts)}`.includes('pasted-secret'))
  assert.equal(await stage.asked(), 0)
})

test('a portal is a host, with or without https://, or the bare name of one on bitrix24.com', async () => {
  for (const [portal, origin] of [
    ['another-portal', 'https://another-portal.bitrix24.com'],
    ['Example.bitrix24.de', 'https://example.bitrix24.de'],
    ['https://example.bitrix24.de/', 'https://example.bitrix24.de'],
    ['example.com:8443', 'https://example.com:8443'],
    ['example.com:443', 'https://example.com'],
  ]) {
    const { link } = await endOf({ portal }, 'Give consent: open the link')
    assert.equal(new URL(link).origin, origin, portal)
  }
})

test('an expired code, and one that was used', async () => {
  const code = await stage.emulator.code()
  await stage.emulator.control('/clock', { advance: 31 })
  const name = 'Get a new code: it lives 30 seconds'
  const end = await endOf({ code }, name)
  assert.match(end.reason, /older than 30 seconds or was used before/)
  assert.match(end.link, /\/oauth\/authorize\//)

  await stage.authorized()
  await endOf({ code: `${code}0` }, name)
  const notice = await stage.alert('notice', 'code_refused')
  assert.match(notice.reason, /earlier token stays in use/)
})

test('a code of another portal is refused, its token not kept', async () => {
  const end = await endOf(
    { portal: 'another-portal', code: await stage.emulator.code() },
    'Take a code of this portal',
  )
  assert.match(end.reason, /belongs to another portal \(http:\/\/127\.0\.0\.1:\d+\)/)
  await stage.tick()
  const token = await stage.token()
  assert.equal(token.error, 'not_authorized')
  assert.equal(token.access_token, undefined)
  assert.equal(stage.nodeRed.context().access_token, undefined)
  assert.equal(stage.nodeRed.context().refresh_token, undefined)
  const notice = await stage.alert('notice', 'not_authorized')
  assert.match(notice.reason, /belongs to another portal/)

  // Author and browser hear of the next one too, although the state is the same.
  const state = await until(
    'a state of the link',
    () => stage.nodeRed.context('bitrix24_consent').state,
  )
  const code = await stage.emulator.code()
  const page = await fetch(`${stage.nodeRed.url}/bitrix24/callback?code=${code}&state=${state}`)
  assert.equal(page.status, 502)
  assert.match(await page.text(), /belongs to another portal/)
  await stage.alert('notice', 'code_refused')
  await shown.line('Take a code of this portal', 2)
  assert.equal(stage.nodeRed.context().access_token, undefined)
})

test('the portal under another name is the same portal', async () => {
  const first = await stage.authorized()
  const { port } = new URL(stage.emulator.ready.portal)
  const code = await stage.emulator.code()
  await stage.import({ portal: `http://localhost:${port}`, code })
  await until('the new token', async () => {
    const { access_token } = await stage.token()
    return access_token && access_token !== first.access_token
  })
})

test('a wrong client_secret, with a code and without', async () => {
  const name = 'Check client_id and client_secret'
  const code = await stage.emulator.code()
  const end = await endOf({ client_secret: 'wrong', code }, name)
  assert.match(end.reason, /invalid_client/)
  await stage.authorized()
  await stage.import({ client_secret: 'wrong' })
  await stage.advance(3700)
  await stage.token()
  await shown.line(name, 2)
})

test('an end is shown when it changes, not at every tick; a button is always answered', async () => {
  const name = 'Give consent: open the link'
  await endOf({}, name)
  for (let n = 0; n < 3; n += 1) await stage.tick()
  await stage.nodeRed.press('b24oauth-start')
  await shown.line(name, 2)
  await stage.authorized()
  await shown.line('A token is kept')
  for (let n = 0; n < 3; n += 1) await stage.tick()
  await stage.emulator.control('/revoke', { user_id: 1 })
  await stage.advance(3700)
  await stage.token()
  await shown.line(name, 3)
  for (let n = 0; n < 3; n += 1) await stage.tick()
  await stage.nodeRed.press('b24oauth-start')
  await shown.line(name, 4)
  assert.equal(shown.named(name).length, 4)
  assert.equal(shown.named('A token is kept').length, 1)
  assert.equal(shown.named('Escalation').length, 1)
})
