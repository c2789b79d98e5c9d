// Starts the program `evergrant emulator` and stops it by its process id.

import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

const FREE_PORTS = ['--authorization-port', '0', '--portal-port', '0', '--control-port', '0']
const READY_WITHIN = 20_000

/** The repository's root. */
export const root = fileURLToPath(new URL('../../', import.meta.url))

/** The program under test: `EVERGRANT_PROGRAM`, else the one that cargo built. */
export function program() {
  const triple = process.env.CARGO_BUILD_TARGET ?? ''
  const built = ['target', `target/${triple}`].map((folder) => `${root}${folder}/debug/evergrant`)
  const path = process.env.EVERGRANT_PROGRAM ?? built.find((candidate) => existsSync(candidate))
  if (path === undefined) {
    throw new Error(`${built[0]} is missing: run \`cargo build -p evergrant-cli\` first`)
  }
  return path
}

/** A running emulator; it also ends when this process dies, because its standard input closes. */
export class Emulator {
  /** The line that it printed when it was ready: addresses, credentials, member_id, webhook. */
  ready
  #child

  /** @param flags such as `{ leads: 10 }` */
  static async start(flags = {}) {
    const emulator = new Emulator()
    const more = Object.entries(flags).flatMap(([name, value]) => [`--${name}`, String(value)])
    emulator.#child = spawn(
      program(),
      ['emulator', '--until-stdin-closes', ...FREE_PORTS, ...more],
      { stdio: ['pipe', 'pipe', 'ignore'] },
    )
    emulator.ready = JSON.parse(await emulator.#firstLine())
    return emulator
  }

  #firstLine() {
    const lines = createInterface({ input: this.#child.stdout })
    return new Promise((resolve, reject) => {
      const late = setTimeout(() => {
        this.#child.kill()
        reject(new Error('the emulator is not ready in time'))
      }, READY_WITHIN)
      lines.once('line', resolve)
      this.#child.once('error', reject)
      this.#child.once('exit', (code) => reject(new Error(`the emulator ended with ${code}`)))
      lines.once('line', () => clearTimeout(late))
      this.#child.once('exit', () => clearTimeout(late))
    })
  }

  /** One request to the control port; its JSON. */
  async control(method, path, body) {
    return control(this.ready.control, method, path, body)
  }

  /** Every secret of this run: client secret, webhook, all tokens that were ever issued. */
  async secrets() {
    const tokens = await this.control('GET', '/tokens')
    const webhook = this.ready.webhook.split('/').filter(Boolean).at(-1)
    return [this.ready.client_secret, webhook, ...tokens.map(({ token }) => token)]
  }

  /** Stops the process and waits for its end. */
  async stop() {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    const ended = new Promise((resolve) => {
      this.#child.once('exit', resolve)
    })
    this.#child.kill('SIGTERM')
    await ended
  }
}

/** One request to the control port at `origin`; its JSON. */
export async function control(origin, method, path, body) {
  const answer = await fetch(origin + path, {
    method,
    ...(body === undefined || body === null
      ? {}
      : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
  })
  const text = await answer.text()
  if (!answer.ok) throw new Error(`control ${path}: ${answer.status} ${text}`)
  return text === '' ? null : JSON.parse(text)
}
