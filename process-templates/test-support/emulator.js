import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

const program =
  process.env.EVERGRANT_PROGRAM ??
  fileURLToPath(new URL('../../target/debug/evergrant', import.meta.url))

/** A portal and an authorization server on loopback, with a clock and faults that a test can turn. */
export class Emulator {
  /** @param {{redirectUri: string, more?: string[]}} options `more`: further arguments */
  static async start({ redirectUri, more = [] }) {
    const free = [
      '--authorization-port',
      '0',
      '--portal-port',
      '0',
      '--control-port',
      '0',
      '--burst',
      '0',
    ]
    const child = spawn(
      program,
      [
        'emulator',
        ...free,
        ...more,
        '--redirect-uri',
        redirectUri,
        '--auto-consent',
        '1',
        '--until-stdin-closes',
      ],
      {
        stdio: ['pipe', 'pipe', 'ignore'],
      },
    )
    const lines = createInterface({ input: child.stdout })
    const line = await new Promise((resolve, reject) => {
      lines.once('line', resolve)
      child.once('error', reject)
      child.once('exit', (code) => reject(new Error(`the emulator ended with ${code}`)))
    })
    return Object.assign(new Emulator(), { child, ready: JSON.parse(line) })
  }

  /** Asks the control port. */
  async control(path, body, method = body === undefined ? 'GET' : 'POST') {
    const answer = await fetch(this.ready.control + path, {
      method,
      headers: { 'content-type': 'application/json' },
      body: body === undefined ? undefined : JSON.stringify(body),
    })
    const text = await answer.text()
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`)
    return text ? JSON.parse(text) : {}
  }

  /** A fresh code, as the portal would put it into the redirect. */
  async code() {
    return (await this.control('/consent', { user_id: 1 })).code
  }

  /** How many faults still wait for a request. */
  async faults() {
    return (await this.control('/faults')).length
  }

  async refreshes() {
    return (await this.control('/counters')).authorization.refreshes
  }

  async portal() {
    return (await this.control('/counters')).portal
  }

  async tokenErrors() {
    return (await this.control('/counters')).authorization.errors
  }

  /** Every secret that exists: tokens, alive and dead, and the client secret. */
  async secrets() {
    const tokens = await this.control('/tokens')
    return [...tokens.map(({ token }) => token), this.ready.client_secret]
  }

  async stop() {
    if (this.child.exitCode !== null) return
    const gone = new Promise((resolve) => this.child.once('exit', resolve))
    this.child.stdin.end()
    await gone
  }
}
