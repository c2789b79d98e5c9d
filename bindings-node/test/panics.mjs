// Meets two panics, and says what became of them and of the process.

import assert from 'node:assert/strict'
import { createRequire } from 'node:module'
import { inspect } from 'node:util'

import { InternalError } from 'evergrant'

const require = createRequire(import.meta.url)
const native = require('../native.js')
const { attempt, attemptSync } = require('../dist/outcome.js')

const told = []
for (const panics of [
  () => attemptSync(told, native.panicNow),
  () => attempt(told, native.panicLater),
]) {
  try {
    await panics()
  } catch (error) {
    assert.ok(error instanceof InternalError, inspect(error))
    assert.equal(error.kind, 'internal')
    assert.match(error.message, /defect/)
    assert.match(error.stack, /^InternalError: /)
    told.push(error.name)
  }
}
console.log(JSON.stringify([...told, 'alive']))
