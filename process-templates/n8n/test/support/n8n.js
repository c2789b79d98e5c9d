import { execFile, execFileSync, spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { freePort } from '../../../test-support/port.js'
import { until } from '../../../test-support/wait.js'
import { installed } from './install.js'

const clock = fileURLToPath(new URL('../../../test-support/clock.cjs', import.meta.url))
const run = promisify(execFile)
const email = 'owner@example.com'

/** A real n8n on loopback with a folder of its own. */
export class N8n {
  static async make() {
    const n8n = new N8n()
    n8n.folder = mkdtempSync(join(tmpdir(), 'evergrant-n8n-'))
    n8n.port = await freePort()
    n8n.broker = await freePort()
    n8n.url = `http://127.0.0.1:${n8n.port}`
    n8n.log = ''
    n8n.offset = 0
    return n8n
  }

  /** Nothing listens off loopback, nothing is asked of anybody's server. */
  get env() {
    const off = [
      'N8N_DIAGNOSTICS_ENABLED',
      'N8N_VERSION_NOTIFICATIONS_ENABLED',
      'N8N_VERSION_NOTIFICATIONS_WHATS_NEW_ENABLED',
      'N8N_TEMPLATES_ENABLED',
      'N8N_PERSONALIZATION_ENABLED',
      'N8N_HIRING_BANNER_ENABLED',
      'N8N_DYNAMIC_BANNERS_ENABLED',
      'N8N_LICENSE_AUTO_RENEW_ENABLED',
      'N8N_AI_ENABLED',
      'N8N_SECURE_COOKIE',
    ]
    return {
      PATH: process.env.PATH,
      HOME: this.folder,
      ...Object.fromEntries(off.map((name) => [name, 'false'])),
      N8N_USER_FOLDER: this.folder,
      N8N_ENCRYPTION_KEY: 'a key for these tests alone',
      N8N_LISTEN_ADDRESS: '127.0.0.1',
      N8N_HOST: '127.0.0.1',
      N8N_PORT: String(this.port),
      N8N_RUNNERS_BROKER_PORT: String(this.broker),
      N8N_DISABLED_MODULES: 'mcp-registry,instance-ai,insights,community-packages',
      N8N_LOG_LEVEL: 'debug',
      EXTERNAL_FRONTEND_HOOKS_URLS: '',
      GENERIC_TIMEZONE: 'UTC',
    }
  }

  /** n8n's own command line: import:workflow, publish:workflow, ... */
  async command(...args) {
    const { node, n8n } = installed()
    const { stdout, stderr } = await run(node, [n8n, ...args], { env: this.env, cwd: this.folder })
    this.log += stdout + stderr
    return stdout
  }

  /** Imports files as a person does it on the command line, and publishes the workflows. */
  async importFiles({ credentials, workflows }) {
    const folder = join(this.folder, 'import')
    mkdirSync(folder, { recursive: true })
    const file = join(this.folder, 'credentials.json')
    writeFileSync(file, JSON.stringify(credentials))
    await this.command('import:credentials', `--input=${file}`)
    for (const workflow of workflows)
      writeFileSync(join(folder, `${workflow.id}.json`), JSON.stringify(workflow))
    await this.command('import:workflow', '--separate', `--input=${folder}`)
  }

  async start() {
    const { node, n8n } = installed()
    const child = spawn(node, ['--require', clock, n8n, 'start'], {
      env: this.env,
      cwd: this.folder,
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    })
    this.child = child
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (text) => {
        this.log += text
      })
    // It answers before it is ready; this line comes when webhooks and schedules are registered.
    const before = this.ready()
    await until(
      'n8n is ready',
      () => {
        if (child.exitCode !== null) throw new Error(`n8n ended:\n${this.log.slice(-3000)}`)
        return this.ready() > before
      },
      240_000,
    )
    const { offset } = this
    this.offset = 0
    if (offset) await this.advance(offset)
  }

  ready() {
    return this.log.split('Editor is now accessible').length
  }

  /** Turns n8n's clock. */
  async advance(seconds) {
    const { child } = this
    const heard = new Promise((resolve) => {
      const listen = (message) => {
        if (message?.advanced === undefined) return
        child.off('message', listen)
        resolve()
      }
      child.on('message', listen)
    })
    child.send({ advance: seconds })
    await heard
    this.offset += seconds
  }

  /** The API that the editor itself uses. A turned clock ends the session, so it logs in again. */
  async rest(method, path, body) {
    const answer = await this.send(method, path, body)
    if (answer.status === 401 && this.password) {
      await this.send('POST', '/login', { emailOrLdapLoginId: email, password: this.password })
      return await this.data(await this.send(method, path, body), `${method} ${path}`)
    }
    return await this.data(answer, `${method} ${path}`)
  }

  async send(method, path, body) {
    const answer = await fetch(`${this.url}/rest${path}`, {
      method,
      headers: { 'content-type': 'application/json', cookie: this.cookie ?? '' },
      body: body === undefined ? undefined : JSON.stringify(body),
    })
    const cookie = answer.headers.get('set-cookie')
    if (cookie) this.cookie = cookie.split(';')[0]
    return answer
  }

  async data(answer, what) {
    const text = await answer.text()
    if (!answer.ok || !/^\s*\{/.test(text))
      throw new Error(`${what}: ${answer.status} ${text.slice(0, 400)}`)
    return JSON.parse(text).data
  }

  /** The person who owns this n8n. */
  async own() {
    this.password = 'Evergrant-1'
    const person = { email, firstName: 'An', lastName: 'Owner' }
    await this.rest('POST', '/owner/setup', { ...person, password: this.password })
  }

  /** Saves and publishes a workflow, as the editor does it. */
  async deploy(workflow) {
    const { nodes, connections, settings, name } = workflow
    const saved = await this.rest('PATCH', `/workflows/${workflow.id}?forceSave=true`, {
      ...{ nodes, connections, settings, name },
    })
    const { versionId } = saved
    await this.rest('POST', `/workflows/${workflow.id}/activate`, { versionId })
    // The answer comes before other workflows call the new version.
    const published = `select 1 from workflow_published_version where publishedVersionId = '${versionId}'`
    await until('the publication', () => this.query(published).length > 0)
  }

  /** POST to a published webhook; waits out the moment in which it is not yet registered. */
  async post(path, body = {}) {
    return await until(
      `the webhook ${path}`,
      async () => {
        const answer = await fetch(`${this.url}/webhook/${path}`, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify(body),
        })
        if (answer.status === 404) return undefined
        const text = await answer.text()
        return text ? JSON.parse(text) : {}
      },
      90_000,
    )
  }

  /** Rows of n8n's own database; read only. */
  query(sql) {
    return this.database(sql, 'readOnly: true')
  }

  /** Changes n8n's own database, as somebody else might. */
  change(sql) {
    this.database(sql, 'timeout: 10000')
  }

  database(sql, options) {
    const script = `
      const { DatabaseSync } = require('node:sqlite');
      const db = new DatabaseSync(process.argv[1], { ${options} });
      process.stdout.write(JSON.stringify(db.prepare(process.argv[2]).all()));`
    const file = join(this.folder, '.n8n/database.sqlite')
    const quiet = { maxBuffer: 2 ** 28, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }
    return JSON.parse(execFileSync(installed().node, ['-e', script, file, sql], quiet))
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
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 })
  }
}
