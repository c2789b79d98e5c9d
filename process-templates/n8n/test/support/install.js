import { execFileSync } from 'node:child_process'
import { cpSync, mkdirSync, writeFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { cached, node24, npm } from '../../../test-support/cache.js'

const version = '2.41.1'
const sqlite = '5.1.7'

/**
 * n8n on Node 24, outside the checkout; installed there when it is missing (minutes, 2.5 GB).
 * Without install scripts, one of which cannot be built everywhere; sqlite3 alone is built, apart.
 * @returns {{node: string, n8n: string}} the two programs
 */
export function installed() {
  const { program, home } = node24()
  const env = {
    ...process.env,
    PATH: `${join(home, 'bin')}${delimiter}${process.env.PATH}`,
    npm_config_nodedir: home, // the headers of this Node, not of the one that runs the tests
  }
  const proof = 'app/node_modules/sqlite3/build/Release/node_sqlite3.node'
  const folder = cached(`n8n-${version}`, proof, (fresh) => {
    console.error(`installing n8n ${version} once; this takes some minutes`)
    const app = join(fresh, 'app')
    const native = join(fresh, 'native')
    for (const where of [app, native]) {
      mkdirSync(where)
      writeFileSync(join(where, 'package.json'), '{"name":"n8n-for-tests","private":true}\n')
    }
    const bare = ['install', '--ignore-scripts']
    npm([...bare, `sqlite3@${sqlite}`], native, env)
    execFileSync('npm', ['rebuild', 'sqlite3'], { cwd: native, env, stdio: 'ignore' })
    npm([...bare, '--omit=optional', `n8n@${version}`], app, env)
    const built = 'node_modules/sqlite3/build/Release'
    mkdirSync(join(app, built), { recursive: true })
    cpSync(join(native, built, 'node_sqlite3.node'), join(app, built, 'node_sqlite3.node'))
  })
  return { node: program, n8n: join(folder, 'app/node_modules/n8n/bin/n8n') }
}
