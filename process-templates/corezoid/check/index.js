// Checks an exported folder: node check/index.js FILE.json
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { format } from './format.js'
import { lint } from './lint.js'
import { safety } from './safety.js'

export const checks = { ...format, ...lint, ...safety }

/**
 * @param {object[]} objects an exported folder
 * @returns {{check: string, found: string[]}[]} the checks that fail, with what they found
 */
export const check = (objects) =>
  Object.entries(checks)
    .map(([name, find]) => ({ check: name, found: find(objects) }))
    .filter(({ found }) => found.length > 0)

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const file =
    process.argv[2] ?? fileURLToPath(new URL('../standalone/bitrix24-oauth.json', import.meta.url))
  const failed = check(JSON.parse(readFileSync(file, 'utf8')))
  for (const { check: name, found } of failed) console.log([name, ...found].join('\n  '))
  console.log(
    `${Object.keys(checks).length - failed.length} of ${Object.keys(checks).length} checks pass`,
  )
  process.exitCode = failed.length ? 1 : 0
}
