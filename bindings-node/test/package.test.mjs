// The package as others see it: both module systems, types, what is in it.

import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

import * as imported from 'evergrant'

const require = createRequire(import.meta.url)
const native = require('../native.js')
const { classOf } = require('../dist/errors.js')
const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8')
const here = fileURLToPath(new URL('.', import.meta.url))
const tsc = fileURLToPath(new URL('../node_modules/.bin/tsc', import.meta.url))

test('import and require give the same classes', () => {
  const required = require('evergrant')
  const names = Object.keys(required)
  assert.ok(names.includes('Client') && names.includes('Application'))
  const found = new Map(Object.entries(imported))
  for (const name of names) assert.equal(found.get(name), required[name], name)
})

for (const [what, flags] of Object.entries({
  'the types of Node': ['--lib', 'es2022', '--types', 'node'],
  'the types of the DOM': ['--lib', 'es2022,dom', '--types', ''],
})) {
  test(`types compile strictly with ${what}`, async () => {
    await compiles(['--strict', ...flags, 'types/module.mts', 'types/common.cts'])
  })
}

test('what the README shows compiles', async () => {
  const blocks = [...readme.matchAll(/```js\n(.*?)```/gs)].map(([, code]) => code)
  assert.ok(blocks.length >= 4)
  const imports = blocks.join('').match(/^import .*$/gm)
  // Each block sees what those above it have declared, and may declare it anew.
  const bodies = blocks.map((code) => `{\n${code.replace(/^import .*$/gm, '')}`)
  const environment = 'declare const process: { env: Record<string, string> }'
  const program = [...imports, environment, ...bodies, '}'.repeat(blocks.length)].join('\n')
  const folder = mkdtempSync(join(here, 'readme-'))
  try {
    writeFileSync(join(folder, 'readme.mts'), program)
    await compiles(['--strict', '--lib', 'es2022,dom', '--types', '', join(folder, 'readme.mts')])
  } finally {
    rmSync(folder, { recursive: true })
  }
})

test('the README names the class of every kind', () => {
  for (const kind of native.kinds()) {
    const row = readme
      .split('\n')
      .find((line) => line.startsWith('| `') && line.includes(`\`${kind}\``))
    const name = row?.match(/^\| `(\w+)`/)?.[1]
    assert.equal(name, classOf(kind).prototype.name, kind)
  }
})

async function compiles(words) {
  const settings = ['--ignoreConfig', '--noEmit', '--module', 'nodenext', '--target', 'es2022']
  await promisify(execFile)(tsc, [...settings, ...words], { cwd: here }).catch(
    ({ stdout, message }) => assert.fail(stdout || message),
  )
}
