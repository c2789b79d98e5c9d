// The shipped file, run before the emulator under every reading of what is unknown about Corezoid.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { Emulator } from '../../test-support/emulator.js'
import { badInputs } from './scenarios/bad-inputs.js'
import { scenarios } from './scenarios/index.js'
import { fewReadings, nameOf, readings } from './support/readings.js'
import { Stage } from './support/stage.js'

let emulator
const table = []
before(async () => {
  emulator = await Emulator.start({ redirectUri: 'http://127.0.0.1:9/callback' })
})
after(async () => {
  await emulator.stop()
  const width = Math.max(...table.map(([name]) => name.length))
  console.log(`${'scenario'.padEnd(width)}  readings passed`)
  for (const [name, passed, all] of table)
    console.log(`${name.padEnd(width)}  ${passed}/${all} ${passed === all ? 'pass' : 'FAIL'}`)
})

const only = process.env.SCENARIO
for (const [name, scenario] of Object.entries(scenarios)) {
  if (only && !name.includes(only)) continue
  const { run, settings, few } = typeof scenario === 'function' ? { run: scenario } : scenario
  const tried = few ? fewReadings : readings
  test(name, async () => {
    const failures = []
    for (const reading of tried) {
      try {
        const stage = await Stage.open(emulator, reading, settings)
        await run(stage)
        assert.deepEqual(await stage.leaks(), [], 'a secret in an execution or a message')
      } catch (error) {
        failures.push(`${nameOf(reading)}\n${error.stack}`)
      }
    }
    table.push([name, tried.length - failures.length, tried.length])
    assert.equal(failures.length, 0, `${failures.length} readings fail; first: ${failures[0]}`)
  })
}

for (const [changes, end] of badInputs) {
  test(`bad input ${JSON.stringify(changes).slice(0, 60)}`, async () => {
    const stage = await Stage.open(emulator, readings[0])
    assert.equal(await stage.add(changes), undefined)
    assert.match(stage.last().end, end)
    assert.equal(await stage.asked(), 0, 'nothing is sent')
    assert.deepEqual(await stage.leaks(), [])
  })
}

test('a wrong reference ends in a node that says so', async () => {
  const stage = await Stage.open(emulator, readings[0])
  await stage.add({}, 'auto-2387')
  assert.match(stage.last().end, /^The reference must be token: .*Autogenerate reference/)
})

test('a wrong setting ends in a node that says so, and no secret goes to a foreign host', async () => {
  for (const settings of [
    { renewEveryMinutes: '5' },
    { renewEveryMinutes: 'often' },
    { keep_alive_days: '90' },
    { portal_zone: '' },
    { authorization_server: 'https://oauth.evil.example' },
    { authorization_server: 'http://oauth.bitrix.info' },
  ]) {
    const stage = await Stage.open(emulator, readings[0], settings)
    await stage.add()
    assert.match(stage.last().end, /^A setting is wrong: correct the node Settings/)
    assert.equal(await stage.asked(), 0)
    assert.deepEqual(await stage.leaks(), [])
  }
})

test('a second task with the same reference does not run beside the first', async () => {
  const stage = await Stage.open(emulator, readings[0])
  await stage.add()
  await stage.fault({ kind: 'html', status: 502, times: 3 })
  await stage.advance(1520)
  assert.equal(await stage.add(), 'not_unical_ref')
})
