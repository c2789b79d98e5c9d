// A program in Node that reads tokens as long as it lives, and notes each one in a file.

import { createHash } from 'node:crypto'
import { openSync, writeSync } from 'node:fs'
import { createRequire } from 'node:module'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'

const { Application, EvergrantError } = createRequire(import.meta.url)('../../bindings-node')

const first = await createInterface({ input: process.stdin })[Symbol.asyncIterator]().next()
const settings = JSON.parse(first.value)
const application = await Application.open({
  clientId: settings.open.client_id,
  clientSecret: settings.open.client_secret,
  store: settings.open.store,
  key: settings.open.key,
  authorizationServer: settings.open.authorization,
  rotationsPerHour: 0,
  rotationsPerDay: 0,
  applicationRotationsPerHour: 0,
})
const file = openSync(settings.file, 'a', 0o600)
const micros = () => Math.round((performance.timeOrigin + performance.now()) * 1000)

async function read() {
  let stale
  for (;;) {
    const grant = stale?.grant ?? settings.grants[Math.floor(Math.random() * settings.grants.length)]
    const asked = micros()
    let line
    try {
      const token = await (stale
        ? application.renewToken(grant, stale.generation)
        : application.token(grant))
      const fingerprint = createHash('sha256').update(token.accessToken).digest('hex').slice(0, 16)
      line = { grant, generation: token.generation, token: fingerprint, asked, got: micros() }
    } catch (error) {
      if (!(error instanceof EvergrantError)) throw error
      line = { grant, error: { kind: error.kind, message: error.message } }
    }
    // One write: a process that is killed leaves whole lines.
    writeSync(file, `${JSON.stringify(line)}\n`)
    stale = !stale && line.token && Math.random() * 1000 < settings.stale ? line : undefined
    await sleep(settings.pause_ms)
  }
}

for (let task = 0; task < settings.tasks; task++) read()
// The driver closes it to end this program; it may also be killed.
process.stdin.on('end', () => process.exit(0))
process.stdin.resume()
