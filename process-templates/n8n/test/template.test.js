// The files themselves, without any server.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { build, files } from '../build.mjs'

const names = Object.keys(files)
const textOf = (file) => readFileSync(new URL(`../${file}`, import.meta.url), 'utf8')
const workflows = names.map((file) => JSON.parse(textOf(file)))
const [oauth] = workflows
const real = (workflow) => workflow.nodes.filter(({ type }) => !type.endsWith('.stickyNote'))

test('the committed files are what source/ builds', async () => {
  for (const file of names) assert.equal(textOf(file), await build(file), 'run: node build.mjs')
})

test('ids and names are unique, every connection leads from a node to a node', () => {
  for (const { nodes, connections } of workflows) {
    const known = new Set(nodes.map(({ name }) => name))
    assert.equal(known.size, nodes.length)
    assert.equal(new Set(nodes.map(({ id }) => id)).size, nodes.length)
    for (const [from, { main }] of Object.entries(connections))
      for (const name of [from, ...main.flat().map(({ node }) => node)])
        assert.ok(known.has(name), `${from} names ${name}`)
  }
})

test('every node is reached, and every question has as many ways out as answers', () => {
  for (const workflow of workflows) {
    const reached = new Set(
      Object.values(workflow.connections).flatMap(({ main }) =>
        main.flat().map(({ node }) => node),
      ),
    )
    for (const { name, type, parameters } of real(workflow)) {
      assert.ok(reached.has(name) || /trigger|webhook$/i.test(type), `nothing leads to ${name}`)
      const ways = workflow.connections[name]?.main.length
      if (type.endsWith('.if')) assert.equal(ways, 2, name)
      if (type.endsWith('.switch'))
        assert.equal(
          ways,
          parameters.rules.values.length + (parameters.options.fallbackOutput ? 1 : 0),
          name,
        )
    }
  }
})

test('nothing of the machine it was made on: no credentials, no state, no tags, not published', () => {
  for (const workflow of workflows) {
    for (const key of ['staticData', 'pinData', 'active', 'tags', 'versionId', 'meta'])
      assert.equal(workflow[key], undefined, key)
    for (const node of workflow.nodes) assert.equal(node.credentials, undefined, node.name)
  }
})

test('it needs nothing but what a stock n8n 2 allows', () => {
  for (const { name, type, parameters } of workflows.flatMap(real)) {
    assert.match(type, /^n8n-nodes-base\./, name)
    assert.doesNotMatch(type, /executeCommand|readWriteFile/, name)
    assert.doesNotMatch(JSON.stringify(parameters), /\$env|require\(|process\./, name)
  }
})

test('no execution is saved, and one that hangs ends before its turn does', () => {
  for (const { settings } of workflows) {
    assert.equal(settings.saveDataSuccessExecution, 'none')
    assert.equal(settings.saveDataErrorExecution, 'none')
    assert.equal(settings.saveManualExecutions, false)
  }
  const turn = oauth.nodes.find(({ name }) => name === 'Take the turn')
  const lease = Number(/\+ (\d+)/.exec(turn.parameters.columns.value.lock_until)[1])
  assert.ok(oauth.settings.executionTimeout < lease)
})

test('a pair that cannot be saved is tried again for 70 seconds, and that fits into a run', () => {
  const at = (name) => oauth.nodes.find((node) => node.name === name)
  const again = Number(/\$runIndex < (\d+)/.exec(JSON.stringify(at('Saved?').parameters))[1])
  const seconds = again * at('Wait five seconds').parameters.amount
  assert.equal(seconds, 70)
  const answer = at('Ask the authorization server').parameters.options.timeout / 1000
  assert.ok(25 + answer + seconds < oauth.settings.executionTimeout)
  assert.equal(
    at('Save the pair').onError,
    'continueRegularOutput',
    'its error would show the pair',
  )
})

test('the escalation has the name that it has always had', () => {
  const name = `"access_token" doesn't update. Escalation to the process author`
  assert.ok(oauth.nodes.some((node) => node.name === name))
})

test('the words below a node and beside a wire are short enough for n8n to show them whole', () => {
  for (const { name, type, notes = '', parameters } of workflows.flatMap(real)) {
    assert.ok(notes.length <= 24, `${name}: ${notes}`)
    if (type.endsWith('.switch'))
      for (const { outputKey } of parameters.rules.values)
        assert.ok(outputKey.length <= 11, `${name}: ${outputKey}`)
  }
})

test('for real use everything is https, the secrets are no settings, and the fixed timer is off', () => {
  const { assignments } = oauth.nodes.find(({ name }) => name === 'Settings').parameters.assignments
  const value = Object.fromEntries(assignments.map(({ name, value }) => [name, value]))
  assert.match(value.authorization_server, /^https:/)
  assert.equal(value.fixed_renewal_minutes, 0)
  assert.equal(value.client_secret, undefined)
  for (const empty of ['portal', 'client_id', 'code', 'alert_url']) assert.equal(value[empty], '')
})

test('nodes do not lie on each other', () => {
  for (const workflow of workflows) {
    const placed = real(workflow)
    for (const [n, one] of placed.entries())
      for (const other of placed.slice(n + 1)) {
        const [dx, dy] = [0, 1].map((axis) => Math.abs(one.position[axis] - other.position[axis]))
        assert.ok(dx >= 150 || dy >= 130, `${one.name} and ${other.name}`)
      }
  }
})
