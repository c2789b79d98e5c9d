// Each check notices the file that it is there for.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { checks } from '../check/index.js'
import { spoiled } from './support/spoiled.js'
import { template } from './support/stage.js'

const good = readFileSync(template, 'utf8')

test('there is a spoiled file for every check', () => {
  assert.deepEqual(Object.keys(spoiled).sort(), Object.keys(checks).sort())
})

for (const [name, spoil] of Object.entries(spoiled)) {
  test(`${name}: a broken file is noticed, the shipped one is not`, () => {
    const objects = JSON.parse(good)
    assert.deepEqual(checks[name](objects), [])
    spoil(objects)
    assert.notDeepEqual(checks[name](objects), [])
  })
}
