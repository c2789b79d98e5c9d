// The committed files themselves.
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import * as zlib from 'node:zlib'
import { build } from '../build.mjs'
import { check } from '../check/index.js'
import folder from '../source/standalone/folder.mjs'

const at = (name) => new URL(`../standalone/${name}`, import.meta.url)
const objects = JSON.parse(readFileSync(at('bitrix24-oauth.json'), 'utf8'))
const processOf = (title) =>
  objects.find((object) => object.title === title && object.obj_type === 1)
const settingsOf = ({ scheme }) =>
  scheme.nodes.find(({ title }) => title === 'Settings')?.condition.logics[0]

test('the committed files are what source/ builds, twice the same', () => {
  const [first, second] = [build(), build()]
  for (const [n, [file, content]] of first.entries()) {
    assert.ok(content.equals(second[n][1]), `${file.pathname} changes from run to run`)
    assert.ok(content.equals(readFileSync(file)), `${file.pathname}: run node build.mjs`)
  }
})

test('every check passes', () => {
  assert.deepEqual(check(objects), [])
})

test('the zip holds the same objects, one a file', () => {
  const files = unzipped(readFileSync(at('bitrix24-oauth.zip')))
  assert.deepEqual(
    files.map(({ text }) => JSON.parse(text)),
    objects,
  )
  const [folder, ...rest] = files.map(({ name }) => name)
  assert.match(folder, /^1000000_Bitrix_OAuth\.folder\/1000000_Bitrix_OAuth\.folder\.json$/)
  for (const name of rest) assert.match(name, /^1000000_Bitrix_OAuth\.folder\/\d+_\w+\.conv\.json$/)
})

test('the inputs are those of the order, and none is a required one: a missing one ends in a named node', () => {
  const { params } = processOf('Bitrix OAuth')
  assert.deepEqual(
    params.slice(0, 5).map(({ name }) => name),
    ['portal', 'client_id', 'client_secret', 'scope', 'code'],
  )
  for (const { flags } of params) assert.ok(!flags.includes('required'))
})

test('Settings has a place for portal, client_id and scope, empty, and none for the secrets', () => {
  const { extra } = settingsOf(processOf('Bitrix OAuth'))
  for (const name of ['portal', 'client_id', 'scope']) assert.equal(extra[name], '')
  for (const object of objects.slice(1))
    for (const name of Object.keys(settingsOf(object)?.extra ?? {}))
      assert.doesNotMatch(name, /secret|code|token/)
})

test('it is read as {{conv[ID].ref[token].access_token}}', () => {
  const lead = JSON.stringify(processOf('Create a new lead (example)'))
  assert.ok(lead.includes('{{conv[{{storage_id}}].ref[token].access_token}}'))
  assert.equal(processOf('Bitrix Token storage').conv_type, 'state')
})

test('no value of a secret is in the file', () => {
  for (const { scheme } of objects.slice(1))
    for (const { condition } of scheme.nodes)
      for (const { extra = {} } of condition.logics)
        for (const name of ['client_secret', 'code', 'refresh_token', 'access_token'])
          assert.match(extra[name] ?? '', /^$|^\{\{.*\}\}$/)
})

test('every process has a drawing in which every node stands', () => {
  const folder = new URL('../../../docs/src/corezoid/standalone/', import.meta.url)
  assert.equal(readdirSync(folder).length, objects.length - 1)
  for (const [file, content] of build().filter(([file]) => file.pathname.endsWith('.svg'))) {
    const svg = content.toString()
    const title = /font-weight="bold">(.*?)<\/text>/.exec(svg)[1]
    const boxes = svg.split('<rect class="node"').length - 1
    assert.equal(boxes, processOf(title).scheme.nodes.length, file.pathname)
  }
})

test('a drawing shows every way out of every node once, errors as errors, and cuts no text', () => {
  for (const { name, nodes } of folder.objects) {
    const svg = build()
      .find(([file]) => file.pathname.endsWith(`${name}.svg`))[1]
      .toString()
    const drawn = [...svg.matchAll(/data-from="(\w+)" data-to="(\w+)" class="(\w+)"[^>]*>/g)].map(
      ([all, from, to, kind]) => {
        assert.equal(all.includes('dasharray'), kind === 'error', all)
        return `${from} ${to} ${kind}`
      },
    )
    const there = Object.entries(nodes).flatMap(([from, node]) => {
      const targets = [...(node.cases ?? []), node.timer ?? {}].map(({ next }) => next)
      const ordinary = new Set([...targets, node.otherwise, node.next].filter(Boolean))
      const ways = [...ordinary].map((to) => `${from} ${to} way`)
      return node.error ? [...ways, `${from} ${node.error} error`] : ways
    })
    assert.deepEqual(drawn.sort(), there.sort(), name)
    assert.ok(!svg.includes('…'), name)
  }
})

function unzipped(bytes) {
  const files = []
  for (let at = 0; bytes.readUInt32LE(at) === 0x04034b50; ) {
    const [crc, size, path] = [
      bytes.readUInt32LE(at + 14),
      bytes.readUInt32LE(at + 18),
      bytes.readUInt16LE(at + 26),
    ]
    const from = at + 30 + path
    const body = bytes.subarray(from, from + size)
    if (zlib.crc32) assert.equal(zlib.crc32(body), crc)
    files.push({ name: bytes.toString('utf8', at + 30, from), text: body.toString() })
    at = from + size
  }
  return files
}
