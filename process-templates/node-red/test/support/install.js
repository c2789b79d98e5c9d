import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { cached, node24, npm } from '../../../test-support/cache.js'

/** The versions the template is tested in, each with the Node it runs on. */
const versions = {
  4: { version: '4.1.8', on: `Node ${process.versions.node}`, node: () => process.execPath },
  5: { version: '5.0.7', on: 'Node 24.21.0', node: () => node24().program },
}

/** Which of them this run is about: the environment variable NODE_RED, 4 or 5. */
const chosen = versions[process.env.NODE_RED || '4']
if (!chosen) throw new Error('NODE_RED must be 4 or 5')

export const product = `Node-RED ${chosen.version} on ${chosen.on}`

/**
 * Node-RED outside the checkout; installed there when it is missing.
 * @returns {{folder: string, node: string}}
 */
export function installed() {
  const { version } = chosen
  const folder = cached(`node-red-${version}`, 'node_modules/node-red/red.js', (fresh) => {
    writeFileSync(join(fresh, 'package.json'), '{"name":"node-red-for-tests","private":true}\n')
    npm(['install', `node-red@${version}`], fresh)
  })
  return { folder, node: chosen.node() }
}
