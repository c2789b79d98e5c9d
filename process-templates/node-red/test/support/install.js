import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'

const version = '4.1.8'

/** Folder with Node-RED in it, outside the checkout; installed there when it is missing. */
export function installed() {
  const cache = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'evergrant')
  const folder = join(cache, `node-red-${version}`)
  if (existsSync(join(folder, 'node_modules/node-red/red.js'))) return folder

  mkdirSync(cache, { recursive: true })
  const fresh = mkdtempSync(join(cache, 'installing-'))
  writeFileSync(join(fresh, 'package.json'), '{"name":"node-red-for-tests","private":true}\n')
  execFileSync(
    'npm',
    ['install', '--no-audit', '--no-fund', '--loglevel=error', `node-red@${version}`],
    { cwd: fresh, stdio: 'inherit' },
  )
  rmSync(folder, { recursive: true, force: true })
  renameSync(fresh, folder)
  return folder
}
