// Memory stays flat over many calls: answers or handles that stay behind would show in megabytes.

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'

import { slowPortal } from './portals.mjs'

const PACKAGE = fileURLToPath(new URL('..', import.meta.url))
const MEGABYTE = 1024 * 1024
const CALLS = 600

const PROGRAM = `
  const { Client } = require(${JSON.stringify(PACKAGE)})
  const client = Client.fromWebhook(process.argv[1])
  const { signal } = new AbortController()
  const ignore = () => {}
  async function many(times) {
    for (let done = 0; done < times; done += 10) {
      const stop = new AbortController()
      const calls = Array.from({ length: 10 }, () => client.call('profile', {}, { signal }))
      calls.push(client.call('../x').catch(ignore))
      calls.push(client.call('profile', {}, { signal: stop.signal }).catch(ignore))
      stop.abort()
      await Promise.all(calls)
    }
    gc()
    return process.memoryUsage.rss()
  }
  many(200).then(async (start) => {
    console.log(JSON.stringify({ start, end: await many(${CALLS}) }))
  })`

test('calls, failures and cancellations leave nothing behind', async () => {
  const answer = 'x'.repeat(MEGABYTE / 4)
  const portal = await slowPortal(0, answer)
  try {
    const child = spawn(process.execPath, ['--expose-gc', '-e', PROGRAM, portal.webhook], {
      stdio: ['ignore', 'pipe', 'inherit'],
      // At the pace of a portal this would take minutes.
      env: { ...process.env, EVERGRANT_RATE_LIMIT: 'off' },
    })
    let out = ''
    child.stdout.on('data', (text) => {
      out += text
    })
    assert.deepEqual(await once(child, 'close'), [0, null])
    const { start, end } = JSON.parse(out)
    const growth = (end - start) / MEGABYTE
    const leak = CALLS / 4
    assert.ok(growth < leak / 4, `grew by ${growth} MB; answers that stay would be ${leak} MB`)
  } finally {
    portal.close()
  }
})
