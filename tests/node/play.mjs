// Plays one scenario against a running emulator, as a program of its own.
//
// It prints whatever Node shows a person along the way - errors, tokens, grants, clients - so that
// the one who started it can look for secrets in what came out. The first line of the input says
// what to play: {scenario, store, saved}.
//
// Ends with status 0 if every step went as expected, else says which did not.

import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { inspect } from 'node:util'

import { Application, Client, EvergrantError, ref } from '../../bindings-node/dist/index.mjs'
import { Clock } from '../../bindings-node/dist/testing.mjs'
import { control } from './emulator.mjs'
import { mismatch } from './pattern.mjs'

const { scenario, saved } = JSON.parse(readFileSync(0, 'utf8'))
const clock = new Clock()
const begun = new Map()
const heard = []
let application
let client

const OPERATIONS = {
  open: async (given) => {
    application = await Application.open({
      clientId: given.client_id ?? saved.client_id,
      clientSecret: given.client_secret ?? saved.client_secret,
      store: given.store ?? saved.store,
      authorizationServer: given.authorization_server ?? saved.authorization,
      keyFile: given.key_file ?? saved.key_file,
      spool: saved.spool,
      clock,
      ...camel(given.settings ?? {}),
    })
    show(application)
    return null
  },
  authorize_url: ({ portal }) => application.authorizeUrl(portal),
  exchange: async (given) =>
    show(
      snake(
        await application.exchange(given.redirect_url, { expectedState: given.expected_state }),
      ),
    ),
  exchange_code: async ({ portal, code }) =>
    show(snake(await application.exchangeCode(portal, code))),
  grants: async () => show((await application.grants()).map(snake)),
  grant: async ({ grant }) => show(snake(await application.grant(grant))),
  token: async ({ grant, min_ttl: minTtl }) => {
    const token = show(await application.token(grant, { minTtl }))
    return { ...snake(token), access_token: token.accessToken }
  },
  renew_token: async ({ grant, generation }) => {
    const token = show(await application.renewToken(grant, generation))
    return { ...snake(token), access_token: token.accessToken }
  },
  add_spare: async ({ grant, refresh_token: token }) =>
    show(snake(await application.addSpare(grant, token))),
  transfer: async ({ grant, code }) => show(snake(await application.transfer(grant, code))),
  audit: async ({ grant }) => show(await application.audit(grant)),
  statistics: () => show(snake(application.statistics())),
  shut_down: ({ deadline }) => application.shutDown(deadline),
  turn: ({ seconds }) => {
    clock.turn(seconds)
    return null
  },
  begin: ({ as }, { step }) => {
    begun.set(as, perform(step))
    return null
  },
  finish: ({ what }) => begun.get(what),
  listen: ({ failures }) => {
    application.onChange((change) => {
      heard.push(show(change))
      if (heard.length <= failures) throw new Error('a listener that fails on purpose')
    })
    return null
  },
  heard: ({ calls }) => until(() => heard.length >= calls && heard),
  wait_for_event: ({ grant, event }) =>
    until(async () => {
      const entries = await application.audit(grant)
      return entries.some((entry) => entry.event === event) ? true : undefined
    }),
  client: ({ grant }) => {
    client = show(application.client(grant))
    return null
  },
  webhook: ({ url }) => {
    client = show(Client.fromWebhook(url))
    return null
  },
  call: ({ method, params }) => client.call(method, params),
  batch: async ({ commands }) => {
    const outcomes = await client.batch(commands.map(refer))
    return outcomes.map(({ ok, value, error }) => (ok ? { ok: value } : failed(error)))
  },
  list: ({ method, params, options }) => all(client.list(method, params, options)),
  list_page: async ({ method, params, options }) => {
    const list = client.list(method, params, options)
    const { value: rows } = await list.pages().next()
    return { rows, cursor: list.cursor, total: list.total }
  },
  count_rows: ({ method, params }) => client.count(method, params),
  get_by_ids: ({ method, ids, params }) => client.getByIds(method, ids, params),
  v3_call: ({ method, params }) => client.v3.call(method, params),
  v3_list: ({ method, params }) => all(client.v3.list(method, params)),
  v3_batch: ({ commands }) => client.v3.batch(commands.map(refer)),
  together: async ({ times }, { step }) =>
    Promise.all(Array.from({ length: times }, () => perform(step))),
  control: ({ method, path, body }) => control(saved.control, method, path, body),
  count: ({ of, by }) => {
    const keys = of.flat().map((row) => row[by])
    return {
      count: keys.length,
      unique: new Set(keys).size,
      ascending: keys.every((key, index) => index === 0 || Number(keys[index - 1]) <= Number(key)),
      first: keys.at(0) ?? null,
      last: keys.at(-1) ?? null,
    }
  },
  write_file: ({ path, text }) => {
    writeFileSync(path, text)
    return null
  },
  file_mode: ({ path }) => (statSync(path).mode & 0o777).toString(8),
}

/** What a step comes to: `{ok}` or `{error}`. */
async function perform(step) {
  const { expect: _expect, step: _inner, ...given } = step
  const { do: operation, ...values } = fill(given)
  try {
    return { ok: await OPERATIONS[operation](values, step) }
  } catch (thrown) {
    if (!(thrown instanceof EvergrantError)) throw thrown
    return failed(thrown)
  }
}

function failed(error) {
  show(error)
  console.error(String(error), error.stack, JSON.stringify(error))
  const { kind, code = null, status = null, retryable, retryAfter = null, message } = error
  return { error: { kind, code, status, retryable, retry_after: retryAfter, message } }
}

/** Prints a value in every way that people print values. */
function show(value) {
  console.log(value, `${JSON.stringify(value)}`)
  console.log(inspect(value, { depth: null, showHidden: true }))
  return value
}

async function all(list) {
  const rows = []
  for await (const row of list) rows.push(row)
  return rows
}

/** Puts references in the place of `{$reference: [name, key...]}`. */
function refer(value) {
  if (Array.isArray(value)) return value.map(refer)
  if (value === null || typeof value !== 'object') return value
  if (!value.$reference) {
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, refer(item)]))
  }
  const [name, ...keys] = value.$reference
  return keys.reduce((reference, key) => reference.at(key), ref(name))
}

/** An object as other languages name its fields. */
function snake(object) {
  const word = (name) => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
  return Object.fromEntries(Object.entries(object).map(([name, value]) => [word(name), value]))
}

/** The other way round. */
function camel(object) {
  const word = (name) => name.replace(/_./g, ([, letter]) => letter.toUpperCase())
  return Object.fromEntries(Object.entries(object).map(([name, value]) => [word(name), value]))
}

/** What `find` answers once it is something; within ten seconds. */
async function until(find) {
  for (let round = 0; round < 500; round += 1) {
    const found = await find()
    if (found) return found
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  throw new Error('it did not happen within ten seconds')
}

/** Puts saved values in the place of `${name.path}`. */
function fill(value) {
  if (typeof value === 'string') return fillText(value)
  if (Array.isArray(value)) return value.map(fill)
  if (value === null || typeof value !== 'object') return value
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, fill(item)]))
}

function fillText(text) {
  const find = (name) => name.split('.').reduce((value, part) => value[part], saved)
  const whole = /^\$\{([^}]*)\}$/.exec(text)
  if (whole) return find(whole[1])
  return text.replace(/\$\{([^}]*)\}/g, (_, name) => find(name))
}

for (const [index, step] of scenario.steps.entries()) {
  const expected = fill(step.expect ?? { ok: '$any' })
  const outcome = await perform(step)
  const difference = mismatch(expected, outcome)
  if (difference !== undefined) {
    console.error(`step ${index} (${step.do}): ${difference}`)
    process.exit(1)
  }
  if (step.save !== undefined && 'ok' in outcome) saved[step.save] = outcome.ok
}
