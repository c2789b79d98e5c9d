// How the package lives in a process: it ends when it should, with threads and without.

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { Worker } from 'node:worker_threads'

import { Client } from 'evergrant'

import { SECRET, silentPortal, slowPortal } from './portals.mjs'

const PACKAGE = JSON.stringify(fileURLToPath(new URL('..', import.meta.url)))
const LONGEST = 30_000
const THREADS = Number(process.env.EVERGRANT_WORKERS ?? 2)

let silent
let slow
before(async () => {
  silent = await silentPortal()
  slow = await slowPortal(150)
})
after(() => {
  silent.close()
  slow.close()
})

/** Runs code in a Node of its own; `client` calls the portal given. */
async function run(code, { portal = slow } = {}) {
  const prelude = `const evergrant = require(${PACKAGE});
    const client = evergrant.Client.fromWebhook(${JSON.stringify(portal.webhook)});`
  return node(prelude + code)
}

async function node(code) {
  const child = spawn(process.execPath, ['-e', code], { timeout: LONGEST })
  let [out, err] = ['', '']
  child.stdout.on('data', (text) => {
    out += text
  })
  child.stderr.on('data', (text) => {
    err += text
  })
  const [status, signal] = await once(child, 'close')
  return { status, signal, out: out.trim(), err: err.trim() }
}

const quiet = (status, out = '') => ({ status, signal: null, out, err: '' })

test('loading it holds no process', async () => {
  assert.deepEqual(await run(''), quiet(0))
})

test('an open application holds no process', async () => {
  const open = 'evergrant.Application.open({ clientId: "local.1", clientSecret: "s" })'
  assert.deepEqual(await run(`${open}.then(() => console.log("open"))`), quiet(0, 'open'))
})

test('who listens to the log holds no process', async () => {
  const code = 'evergrant.onLog(({ message }) => console.log(message), "error")'
  assert.deepEqual(await run(code), quiet(0))
})

test('a warning of the core is a warning of Node, once', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'evergrant-'))
  const store = JSON.stringify(`sqlite:${folder}/grants.db`)
  const open = `evergrant.Application.open({ clientId: "local.1", clientSecret: "s", store: ${store} })`
  try {
    const first = await run(open)
    assert.equal(first.status, 0)
    assert.match(
      first.err,
      /^\(node:\d+\) EvergrantWarning: made a new master key .*grants\.db\.key/,
    )
    assert.equal(first.err.match(/EvergrantWarning/g).length, 1)
    assert.deepEqual(await run(open), quiet(0))
  } finally {
    rmSync(folder, { recursive: true })
  }
})

test('a warning still arrives when the thread that loaded the package first is gone', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'evergrant-'))
  const store = JSON.stringify(`sqlite:${folder}/grants.db`)
  const code = `
    const { Worker } = require('node:worker_threads')
    new Worker('require(' + ${JSON.stringify(PACKAGE)} + ')', { eval: true }).on('exit', () =>
      require(${PACKAGE}).Application.open({ clientId: 'local.1', clientSecret: 's', store: ${store} }))`
  try {
    const { status, err } = await node(code)
    assert.equal(status, 0)
    assert.match(err, /EvergrantWarning: made a new master key/)
  } finally {
    rmSync(folder, { recursive: true })
  }
})

test('a pending promise holds the process until it is settled', async () => {
  assert.deepEqual(await run('client.call("profile").then(console.log)'), quiet(0, 'true'))
})

test('a list that is not read on holds no process', async () => {
  assert.deepEqual(
    await run('client.list("crm.lead.list").next().catch((e) => console.log(e.kind))'),
    quiet(0, 'unexpected_answer'),
  )
})

test('process.exit with work pending is clean', async () => {
  const code = 'client.call("profile"); setTimeout(() => process.exit(7), 50)'
  assert.deepEqual(await run(code, { portal: silent }), quiet(7))
})

test('an uncaught error with work pending is just that', async () => {
  const code = 'client.call("profile"); setTimeout(() => { throw new Error("mine") }, 50)'
  const { status, signal, err } = await run(code, { portal: silent })
  assert.deepEqual({ status, signal }, { status: 1, signal: null })
  assert.match(err, /Error: mine/)
})

test('an unhandled rejection says what happened, and no secret', async () => {
  const portal = { webhook: `http://127.0.0.1:1/rest/1/${SECRET}/` }
  const { status, err } = await run('client.call("crm.lead.get", { ID: 5 })', { portal })
  assert.equal(status, 1)
  assert.match(err, /NetworkError: the portal cannot be reached \(portal 127\.0\.0\.1:1/)
  assert.match(err, /kind: 'network'/)
  assert.doesNotMatch(err, new RegExp(SECRET))
})

const WORKER = `
  const { parentPort, workerData } = require('node:worker_threads')
  const { Client } = require(workerData.package)
  const client = Client.fromWebhook(workerData.webhook)`

function worker(code, { webhook }) {
  const workerData = { package: JSON.parse(PACKAGE), webhook }
  return new Worker(`${WORKER}\n${code}`, { eval: true, workerData })
}

test('worker threads use the one runtime of the process', async () => {
  for (let round = 0; round < 4; round += 1) {
    const thread = worker(
      'client.call("profile").then((value) => parentPort.postMessage(value))',
      slow,
    )
    const ended = once(thread, 'exit')
    assert.deepEqual(await once(thread, 'message'), [true])
    assert.deepEqual(await ended, [0])
  }
  assert.equal(await Client.fromWebhook(slow.webhook).call('profile'), true)
  if (process.platform !== 'linux') return
  const names = readdirSync('/proc/self/task').map((task) =>
    readFileSync(`/proc/self/task/${task}/comm`, 'utf8').trim(),
  )
  assert.equal(names.filter((name) => name === 'evergrant').length, THREADS)
})

test('a worker thread may be terminated with work pending', async () => {
  const requested = silent.requested()
  const thread = worker('setInterval(() => client.call("profile").catch(() => {}), 5)', silent)
  await requested
  assert.equal(await thread.terminate(), 1)
  assert.equal(await Client.fromWebhook(slow.webhook).call('profile'), true)
})

test('work of a terminated worker thread ends without harm', async () => {
  const code = `
    const { Worker } = require('node:worker_threads')
    const thread = new Worker(
      'const { Client } = require(' + ${JSON.stringify(PACKAGE)} + ');' +
      'Client.fromWebhook(' + ${JSON.stringify(JSON.stringify('WEBHOOK'))} + ').call("profile");' +
      'setTimeout(() => process.exit(3), 50)', { eval: true })
    thread.on('exit', (status) => client.call('profile').then((value) => console.log(status, value)))`
  assert.deepEqual(await run(code.replace('WEBHOOK', slow.webhook)), quiet(0, '3 true'))
})
