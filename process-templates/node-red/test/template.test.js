// The file itself, without any server.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { build, target } from '../build.mjs'

const text = readFileSync(target, 'utf8')
const flow = JSON.parse(text)
const functions = flow.filter(({ type }) => type === 'function')

test('the committed file is what source/ builds', async () => {
  assert.equal(text, await build(), 'run: node build.mjs')
})

test('every id is unique, every wire, link, group and scope leads to a node of the file', () => {
  const ids = new Set(flow.map(({ id }) => id))
  assert.equal(ids.size, flow.length)
  for (const node of flow) {
    const named = [
      ...(node.wires ?? []).flat(),
      ...(node.links ?? []),
      ...(node.nodes ?? []),
      ...(node.scope ?? []),
      ...[node.z, node.g].filter(Boolean),
    ]
    for (const id of named) assert.ok(ids.has(id), `${node.id} names ${id}`)
  }
})

test('a link that leads from one node to another is known to both', () => {
  const byId = new Map(flow.map((node) => [node.id, node]))
  for (const node of flow.filter(({ type }) => type === 'link out' || type === 'link in')) {
    for (const other of node.links)
      assert.ok(byId.get(other).links.includes(node.id), `${node.id} and ${other}`)
  }
})

test('it needs nothing but what a stock Node-RED has', () => {
  const stock = [
    'tab',
    'group',
    'comment',
    'junction',
    'inject',
    'debug',
    'function',
    'change',
    'delay',
    'catch',
    'link in',
    'link out',
    'link call',
    'http in',
    'http response',
    'http request',
  ]
  for (const { type } of flow) assert.ok(stock.includes(type), type)
  assert.deepEqual(
    functions.flatMap(({ libs }) => libs).map(({ module }) => module),
    ['crypto'],
  )
})

test('secrets are credentials, and no value of one is in the file', () => {
  const [tab] = flow.filter(({ type }) => type === 'tab')
  const secret = tab.env.filter(({ type }) => type === 'cred')
  assert.deepEqual(secret.map(({ name }) => name).sort(), ['alert_key', 'client_secret', 'code'])
  for (const { value } of secret) assert.equal(value, '')
  for (const node of flow) assert.equal(node.credentials, undefined)
})

test('for real use everything is https, and the fixed timer is off', () => {
  const [tab] = flow.filter(({ type }) => type === 'tab')
  const value = Object.fromEntries(tab.env.map(({ name, value: text }) => [name, text]))
  assert.match(value.authorization_server, /^https:/)
  assert.equal(value.fixed_renewal_minutes, '0')
  assert.equal(flow.find(({ id }) => id === 'b24oauth-tick').repeat, '60')
})

test('every function says in the editor what it does, and names its outputs', () => {
  for (const { name, info, outputs, outputLabels } of functions) {
    assert.ok(info?.length > 20, name)
    assert.equal(outputLabels.length, outputs, name)
  }
})

test("the author's node and the ends carry the names that people look for", () => {
  const named = (name) => flow.filter((node) => node.name === name)
  const [escalation, ...more] = named(
    '"access_token" doesn\'t update. Escalation to the process author',
  )
  assert.equal(more.length, 0)
  assert.equal(escalation.id, 'b24oauth-message', 'messages pass through it')
  const ending = flow.find(({ id }) => id === 'b24oauth-ending')
  const ends = ending.wires.map(([id]) => flow.find((node) => node.id === id))
  assert.equal(new Set(ends.map(({ name }) => name)).size, ending.outputs)
  for (const { type } of ends) assert.equal(type, 'debug')
})
