// A store of its own for a test; servers are started by `tools/servers`.

import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { root } from './emulator.mjs'

const SERVERS = { postgres: 'EVERGRANT_TEST_POSTGRES', redis: 'EVERGRANT_TEST_REDIS' }

/** Whether stores of this kind can be had: a server may not have been started. */
export const isHere = (kind) => !(kind in SERVERS) || SERVERS[kind] in process.env

/** What a stage knows of an empty store; on a server, key and spool are the machine's own. */
export function fresh(kind, folder) {
  if (kind === 'memory') return { store: kind }
  if (kind === 'sqlite') return { store: `sqlite:${folder}/grants.db` }
  const address = execFileSync(join(root, 'tools/servers'), [kind, 'fresh'], { encoding: 'utf8' })
  const key = join(folder, 'key')
  writeFileSync(key, '11'.repeat(32), { mode: 0o600 })
  return { store: address.trim(), key_file: key, spool: join(folder, 'spool') }
}
