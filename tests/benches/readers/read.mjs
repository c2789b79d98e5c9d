// What the synchronous read of a fresh token costs in Node: node read.mjs [quick].

import { createRequire } from 'node:module'

import { Emulator } from '../../node/emulator.mjs'

const { Application } = createRequire(import.meta.url)('../../../bindings-node')
const [rounds, reads] = process.argv.includes('quick') ? [1, 10_000] : [9, 2_000_000]

const emulator = await Emulator.start({ leads: 1 })
const application = await Application.open({
  clientId: emulator.ready.client_id,
  clientSecret: emulator.ready.client_secret,
  authorizationServer: emulator.ready.authorization,
})
const { code } = await emulator.control('POST', '/consent', { user_id: 1 })
const { id } = await application.exchangeCode(emulator.ready.portal, code)
if (application.tokenSync(id) === undefined) throw new Error('the process has no token that it just got')

const found = []
let length = 0
for (let round = 0; round < rounds; round += 1) {
  const started = process.hrtime.bigint()
  for (let read = 0; read < reads; read += 1) length += application.tokenSync(id).generation
  found.push(Number(process.hrtime.bigint() - started) / reads)
}
if (length !== rounds * reads) throw new Error('not the same token each time')
found.sort((a, b) => a - b)
const [best, median] = [found[0], found[found.length >> 1]]
const shown = [best, median].map((ns) => `${ns.toFixed(1)} ns`.padStart(12)).join(' ')
console.log(`${'a fresh token, in Node'.padEnd(58)} ${shown}  < 500 ${median < 500 ? 'met' : 'MISSED'}`)
await emulator.stop()
process.exit(0)
