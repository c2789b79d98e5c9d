// The emulator of this checkout: the program under test is the one that cargo built.

import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'

/** The repository's root. */
export const root = fileURLToPath(new URL('../../', import.meta.url))

if (!process.env.EVERGRANT_PROGRAM) {
  const triple = process.env.CARGO_BUILD_TARGET ?? ''
  const built = ['target', `target/${triple}`].map((folder) => `${root}${folder}/debug/evergrant`)
  const path = built.find((candidate) => existsSync(candidate))
  if (path === undefined) {
    throw new Error(`${built[0]} is missing: run \`cargo build -p evergrant-cli\` first`)
  }
  process.env.EVERGRANT_PROGRAM = path
}

export const { Emulator, control } = createRequire(import.meta.url)(
  '../../bindings-node/dist/testing.js',
)
