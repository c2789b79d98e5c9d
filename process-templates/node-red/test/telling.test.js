// Messages to the author: what is not delivered stays, what is delivered is not sent twice, and what broke is told as it is.
import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { afterEach, beforeEach } from 'node:test'
import { scenarios } from '../../test-support/table.js'
import { until } from '../../test-support/wait.js'
import { product } from './support/install.js'
import { Stage } from './support/stage.js'

const test = scenarios(`${product}: messages`)

/** @type {Stage} */
let stage
beforeEach(async () => {
  stage = await Stage.open()
})
afterEach(async () => {
  await stage.close()
})

/** A dead grant, found out by a reader. */
async function revoked() {
  await stage.authorized()
  await stage.emulator.control('/revoke', { user_id: 1 })
  await stage.advance(3700)
  assert.equal((await stage.token()).error, 'needs_reauthorization')
}

async function restart(signal = 'SIGKILL') {
  await stage.nodeRed.end(signal)
  await stage.nodeRed.start()
}

/** Several ticks, each worked off, and the book of what was told with them. */
async function ticks() {
  for (let n = 0; n < 3; n += 1) await stage.tick()
  await stage.delivered()
}

/** Turns the clock past the pause and ticks until it has come to that: a delivery may still be failing meanwhile. */
async function pausesUntil(what, come) {
  await until(what, async () => {
    if (come()) return true
    await stage.advance(1800)
    await stage.tick()
    return come()
  })
}

async function receiverIsBack() {
  stage.sink.status = 200
  await pausesUntil('nothing waits', () => stage.waiting.length === 0)
}

/** The same error of an edited node, in place of what it does. */
const breaking = (id) => (flows) => {
  const node = flows.find((other) => other.id === id)
  node.func = `await Promise.resolve(); throw new Error('edited by hand')\n${node.func}`
}

test('revoked while the receiver is away, then kill -9: told when it is back, exactly once', async () => {
  stage.sink.status = 500
  await revoked()
  await until('a refused delivery', () => stage.sink.refused > 0)
  await restart()
  await receiverIsBack()
  const alert = await stage.alert('escalation', 'needs_reauthorization')
  assert.match(alert.reason, /invalid_grant/)
  assert.match(alert.link, /state=[0-9a-f]{32}$/)
  await ticks()
  await restart('SIGTERM')
  await ticks()
  assert.equal(stage.alerts.length, 1)
})

test('the minute tick sends again, with pauses that grow, for as long as it takes', async () => {
  stage.sink.status = 500
  await revoked()
  await until('a refused delivery', () => stage.sink.refused === 1)
  for (let n = 0; n < 3; n += 1) await stage.tick()
  assert.equal(stage.sink.refused, 1, 'nothing is sent during the pause')
  for (let attempt = 2; attempt <= 12; attempt += 1) {
    await pausesUntil(`attempt ${attempt}`, () => stage.sink.refused >= attempt)
  }
  await receiverIsBack()
  await stage.alert('escalation', 'needs_reauthorization')
  await ticks()
  assert.equal(stage.alerts.length, 1)
})

test('what happened while the receiver was away arrives in order, each message once', async () => {
  stage.sink.status = 500
  await revoked()
  await stage.import({ code: await stage.emulator.code() })
  await until('both wait', () => stage.waiting.length === 2)
  await receiverIsBack()
  await stage.alert('recovery')
  await ticks()
  assert.deepEqual(
    stage.alerts.map(({ kind, state }) => `${kind} ${state}`),
    ['escalation needs_reauthorization', 'recovery ok'],
  )
})

test('kill -9 after a delivery, before it was noted: told twice, under one id', async () => {
  stage.sink.status = 500
  await revoked()
  await until('a refused delivery', () => stage.sink.refused > 0)
  const before = readFileSync(stage.nodeRed.contextFile)
  await receiverIsBack()
  await stage.nodeRed.end('SIGKILL')
  writeFileSync(stage.nodeRed.contextFile, before)
  await stage.nodeRed.start()
  await stage.tick()
  await stage.alert('escalation', 'needs_reauthorization', 2)
  await ticks()
  assert.equal(stage.alerts.length, 2)
  assert.ok(stage.alerts[0].id)
  assert.equal(stage.alerts[0].id, stage.alerts[1].id)
})

test('kill -9 after the token was found dead, before anything was told: told after the restart, once', async () => {
  stage.sink.status = 500
  await revoked()
  await until('it is noted', () => stage.waiting.length === 1)
  await stage.nodeRed.end('SIGKILL')
  const { bitrix24_told, ...before } = JSON.parse(readFileSync(stage.nodeRed.contextFile, 'utf8'))
  writeFileSync(stage.nodeRed.contextFile, JSON.stringify(before))
  stage.sink.status = 200
  await stage.nodeRed.start()
  await stage.tick()
  const alert = await stage.alert('escalation', 'needs_reauthorization')
  assert.match(alert.reason, /invalid_grant/)
  await ticks()
  assert.equal(stage.alerts.length, 1)
})

test('an alert_url that is none keeps the message until it is corrected', async () => {
  await stage.authorized({ alert_url: 'nowhere' })
  await stage.emulator.control('/revoke', { user_id: 1 })
  await stage.advance(3700)
  await stage.token()
  await until('it waits', () => stage.waiting.length === 1)
  await stage.import()
  await stage.tick()
  await stage.alert('escalation', 'needs_reauthorization')
  await ticks()
  assert.equal(stage.alerts.length, 1)
})

test('the store fails between the request and the answer: the pair is held until it is saved', async () => {
  const first = await stage.authorized()
  await stage.advance(3700)
  await stage.settled()
  const fault = { at: 'token', kind: 'late', delay_ms: 1500, times: 1 }
  await stage.emulator.control('/faults', fault)
  const asked = stage.token()
  await until('the request', async () => (await stage.emulator.faults()) === 0)
  const mend = stage.nodeRed.breakStore()
  const alert = await stage.alert('escalation', 'store')
  assert.match(alert.reason, /new token was received.*do not stop Node-RED/)
  mend()

  const second = await asked
  assert.ok(second.access_token)
  assert.notEqual(second.access_token, first.access_token)
  assert.equal(stage.nodeRed.context().access_token, second.access_token)
  await stage.advance(3700)
  assert.ok((await stage.token()).access_token, 'its refresh token is the current one')
  assert.equal(await stage.emulator.refreshes(), 2)
  assert.equal(stage.count('escalation'), 1)
})

test('a node that breaks before anything is sent: told that the token is untouched, once', async () => {
  const first = await stage.authorized()
  await stage.import({ edit: breaking('b24oauth-due') })
  for (let n = 0; n < 3; n += 1) await stage.tick()
  const alert = await stage.alert('escalation', 'flow_error')
  assert.match(alert.reason, /"Is a renewal due\?".*Nothing was sent.*not touched/)
  assert.equal((await stage.token()).access_token, first.access_token)
  await stage.import()
  await stage.advance(3700)
  assert.ok((await stage.token()).access_token)
  assert.equal(stage.alerts.length, 1)
})

test('a node that breaks with the answer in hand: told that a token may be lost, and then that it is', async () => {
  await stage.authorized()
  await stage.advance(3700)
  await stage.import({ edit: breaking('b24oauth-answer') })
  assert.equal((await stage.token()).error, 'flow_error')
  const alert = await stage.alert('escalation', 'flow_error')
  assert.match(alert.reason, /refresh token had been sent.*not saved.*it is lost/)
  await stage.import()
  await stage.tick()
  const lost = await stage.alert('escalation', 'needs_reauthorization')
  assert.match(lost.reason, /answer to an earlier attempt .* was lost/)
})
