// Runs the scenarios in tests/scenarios through the Node package.

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'

import { Emulator, root } from './emulator.mjs'
import { fresh, isHere } from './stores.mjs'

const LONGEST = 60_000
const player = fileURLToPath(new URL('play.mjs', import.meta.url))
const folder = join(root, 'tests/scenarios')
const scenarios = readdirSync(folder)
  .filter((name) => name.endsWith('.json'))
  .map((name) => JSON.parse(readFileSync(join(folder, name), 'utf8')))
const passed = []

describe('scenarios', { concurrency: 2 }, () => {
  for (const scenario of scenarios) {
    for (const store of scenario.stores.filter(isHere)) {
      const name = `${scenario.name}/${store}`
      it(name, { timeout: LONGEST }, async () => {
        await run(scenario, store)
        passed.push(name)
      })
    }
  }

  after(() => {
    const reports = join(root, 'target/scenarios')
    mkdirSync(reports, { recursive: true })
    writeFileSync(join(reports, 'node.json'), JSON.stringify(passed.sort(), null, 2))
  })
})

async function run(scenario, store) {
  const emulator = await Emulator.start(scenario.emulator)
  const scratch = mkdtempSync(join(tmpdir(), 'evergrant-'))
  try {
    const saved = { ...emulator.ready, folder: scratch, ...fresh(store, scratch) }
    const { status, shown } = await play({ scenario, saved })
    assert.equal(status, 0, shown.slice(-2000))
    for (const secret of await emulator.secrets()) {
      assert.ok(!shown.includes(secret), `a secret (${secret.slice(0, 4)}…) was shown`)
    }
  } finally {
    await emulator.stop()
    rmSync(scratch, { recursive: true, force: true })
  }
}

/** Plays in a process of its own, whose whole output is what a person would have seen. */
async function play(what) {
  const child = spawn(process.execPath, [player], { timeout: LONGEST })
  let shown = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text) => {
      shown += text
    })
  }
  child.stdin.end(JSON.stringify(what))
  const status = await new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code, signal) => resolve(code ?? signal))
  })
  return { status, shown }
}
