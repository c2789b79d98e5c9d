import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { until } from '../../../test-support/wait.js'
import { installed } from './install.js'

const clock = fileURLToPath(new URL('../../../test-support/clock.cjs', import.meta.url))
export const diskStore = {
  default: { module: 'memory' },
  disk: { module: 'localfilesystem', config: { cache: false } },
}

/** A real Node-RED on loopback with a folder of its own. */
export class NodeRed {
  constructor(port) {
    this.port = port
    this.url = `http://127.0.0.1:${port}`
    this.folder = mkdtempSync(join(tmpdir(), 'evergrant-node-red-'))
    this.log = ''
    this.offset = 0
  }

  /** @param {Record<string, unknown>} [changes] what differs from the settings.js of these tests */
  async start(changes = {}) {
    const settings = {
      flowFile: 'flows.json',
      credentialSecret: 'a key for tests',
      uiHost: '127.0.0.1',
      uiPort: this.port,
      disableEditor: true,
      telemetry: { enabled: false, updateNotification: false },
      diagnostics: { enabled: false, ui: false },
      contextStorage: diskStore,
      externalModules: {
        autoInstall: false,
        palette: { allowInstall: false },
        modules: { allowInstall: false },
      },
      logging: { console: { level: 'info', metrics: false, audit: false } },
      ...changes,
    }
    writeFileSync(
      join(this.folder, 'settings.js'),
      `module.exports = ${JSON.stringify(settings)};\n`,
    )
    const { folder, node } = installed()
    const red = join(folder, 'node_modules/node-red/red.js')
    this.child = spawn(
      node,
      ['--require', clock, red, '-u', this.folder, '-s', join(this.folder, 'settings.js')],
      {
        stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
        cwd: this.folder,
      },
    )
    for (const stream of [this.child.stdout, this.child.stderr]) {
      stream.setEncoding('utf8').on('data', (text) => {
        this.log += text
      })
    }
    const child = this.child
    const before = this.started()
    await until(
      'Node-RED answers',
      async () => {
        if (child.exitCode !== null) throw new Error(`Node-RED ended:\n${this.log}`)
        return (await fetch(`${this.url}/flows`).catch(() => undefined))?.ok
      },
      60_000,
    )
    await until('the flows run', () => this.started() > before)
    const { offset } = this
    this.offset = 0
    if (offset) await this.advance(offset)
  }

  /** How often flows have been started; the admin API answers before they are. */
  started() {
    return this.log.split('Started flows').length
  }

  /** Turns Node-RED's clock. */
  async advance(seconds) {
    const { child } = this
    const heard = new Promise((resolve) => child.once('message', resolve))
    child.send({ advance: seconds })
    await heard
    this.offset += seconds
  }

  /** Import and Deploy, as the editor does them. */
  async deploy(flows) {
    const before = this.started()
    const answer = await fetch(`${this.url}/flows`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        'Node-RED-API-Version': 'v2',
        'Node-RED-Deployment-Type': 'full',
      },
      body: JSON.stringify({ flows }),
    })
    if (!answer.ok) throw new Error(`deploy: ${answer.status} ${await answer.text()}`)
    await until('the flows run', () => this.started() > before)
  }

  /** Presses the button of an inject node. */
  async press(id) {
    const answer = await fetch(`${this.url}/inject/${id}`, { method: 'POST' })
    if (!answer.ok) throw new Error(`inject ${id}: ${answer.status}`)
  }

  get contextFile() {
    return join(this.folder, 'context/b24oauth-tab/flow.json')
  }

  /** What stands in the context file of the tab. */
  context(key = 'bitrix24_grant') {
    try {
      return JSON.parse(readFileSync(this.contextFile, 'utf8'))[key] ?? {}
    } catch {
      return {}
    }
  }

  /**
   * Makes the context file one that can be neither read nor written. In one step each: where the file is missing for a
   * moment, Node-RED starts a new one.
   * @returns {() => void} mends it
   */
  breakStore() {
    const whole = readFileSync(this.contextFile)
    const replace = (content) => {
      writeFileSync(`${this.contextFile}.new`, content)
      renameSync(`${this.contextFile}.new`, this.contextFile)
    }
    replace('{')
    return () => replace(whole)
  }

  /** @param {NodeJS.Signals} [signal] */
  async end(signal = 'SIGTERM') {
    const { child } = this
    if (!child || child.exitCode !== null || child.signalCode !== null) return
    const gone = new Promise((resolve) => child.once('exit', resolve))
    child.kill(signal)
    await gone
  }

  async remove() {
    await this.end('SIGKILL')
    rmSync(this.folder, { recursive: true, force: true })
  }
}
