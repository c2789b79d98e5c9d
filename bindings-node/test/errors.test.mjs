// Errors: a class for every kind, fields, the stack of the call, panics.

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { inspect } from 'node:util'

import * as evergrant from 'evergrant'

const require = createRequire(import.meta.url)
const native = require('../native.js')
const { classOf } = require('../dist/errors.js')
const { attempt } = require('../dist/outcome.js')
const { Client, EvergrantError, InternalError, InvalidInputError } = evergrant

const unreachable = Client.fromWebhook('http://127.0.0.1:1/rest/1/qwertyuiop123456/')

test('every kind of the core has a class of its family, which the package exports', () => {
  const kinds = native.kinds()
  assert.ok(kinds.length > 20)
  const exported = new Map(Object.entries(evergrant))
  for (const kind of kinds) {
    const type = classOf(kind)
    assert.notEqual(type, EvergrantError, `${kind} has no class`)
    assert.equal(exported.get(type.prototype.name), type)
  }
  assert.equal(classOf('of a later version'), EvergrantError)
  assert.equal(classOf('constructor'), EvergrantError)
})

test('an error carries what the core knows', async () => {
  const error = await unreachable.call('crm.lead.get').catch((thrown) => thrown)
  assert.ok(error instanceof evergrant.NetworkError && error instanceof Error)
  const { name, kind, code, status, retry, retryable, context, advice } = error
  assert.deepEqual(
    { name, kind, code, status, retry, retryable, context },
    {
      name: 'NetworkError',
      kind: 'network',
      code: undefined,
      status: undefined,
      retry: 'safe',
      retryable: true,
      context: { portal: '127.0.0.1:1', method: 'crm.lead.get' },
    },
  )
  assert.ok(error.message.includes(advice))
  assert.ok(error.cause instanceof Error)
  assert.equal(Object.hasOwn(error, 'code'), false, 'what is not known is not there')
})

test('the stack begins where the package was called, not inside it', async () => {
  function workOfMine() {
    return unreachable.call('crm.lead.get')
  }
  const { stack } = await workOfMine().catch((error) => error)
  const [message, top, ...frames] = stack.split('\n')
  assert.match(message, /^NetworkError: the portal cannot be reached/)
  assert.match(top, /at workOfMine .*errors\.test\.mjs/)
  assert.doesNotMatch(frames.join(), /dist/)
})

test('an unusual stack setting of the program does no harm', async () => {
  const { stackTraceLimit, prepareStackTrace } = Error
  try {
    Error.stackTraceLimit = 0
    const { stack } = await unreachable.call('crm.lead.get').catch((error) => error)
    assert.match(stack, /^NetworkError: [^\n]*$/)
    Error.stackTraceLimit = stackTraceLimit
    Error.prepareStackTrace = (_, frames) => frames
    const odd = await unreachable.call('crm.lead.get').catch((error) => error)
    assert.match(odd.stack, /^NetworkError: [^\n]*$/)
  } finally {
    Object.assign(Error, { stackTraceLimit, prepareStackTrace })
  }
})

test('a panic becomes an InternalError, and the process lives on', () => {
  // In a process of its own: what Rust prints of a panic would look like a failure of this one.
  const program = fileURLToPath(new URL('./panics.mjs', import.meta.url))
  const ended = spawnSync(process.execPath, [program], { encoding: 'utf8' })
  assert.deepEqual(JSON.parse(ended.stdout), ['InternalError', 'InternalError', 'alive'])
  assert.match(ended.stderr, /on purpose/)
})

test('what the package itself does wrong is a defect that says nothing of the values', async () => {
  const thrown = attempt(test, async () => {
    throw new TypeError('cannot convert "qwertyuiop123456"')
  })
  await assert.rejects(thrown, InternalError)
  const error = await thrown.catch((defect) => defect)
  assert.match(error.message, /defect/)
  assert.doesNotMatch(inspect(error, { showHidden: true }), /qwertyuiop123456/)
})

test('no function of the native module can end the process by a panic', () => {
  const folder = new URL('../src/', import.meta.url)
  const exported = /#\[napi([^\]]*)\]\s*(?:#\[[^\]]*\]\s*)*pub(?:\(crate\))? (?:async )?fn (\w+)/g
  const functions = readdirSync(folder).flatMap((file) => [
    ...readFileSync(new URL(file, folder), 'utf8').matchAll(exported),
  ])
  assert.ok(functions.length > 15)
  for (const [, attributes, name] of functions) assert.match(attributes, /catch_unwind/, name)
})

test('an input error names the field and says nothing else of the value', async () => {
  const secret = 'qwertyuiop123456'
  for (const address of ['', `ftp://p.example/${secret}`, `https://p.example/${secret}`]) {
    assert.throws(
      () => Client.fromWebhook(address),
      (error) => {
        assert.ok(error instanceof InvalidInputError)
        assert.equal(error.context.field, 'webhook')
        assert.doesNotMatch(inspect(error, { showHidden: true, depth: null }), new RegExp(secret))
        return true
      },
    )
  }
})
