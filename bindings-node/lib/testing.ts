/**
 * A portal and its authorization server on loopback, for tests that have no portal.
 *
 * ```js
 * import { Emulator } from 'evergrant/testing'
 *
 * const portal = await Emulator.start({ leads: 200 })
 * const b24 = Client.fromWebhook(portal.ready.webhook)
 * await portal.stop()
 * ```
 *
 * {@link Clock} is a clock to turn: an application opened with it sees an hour pass at
 * `clock.turn(3600)`. The portal has a clock of its own: `portal.advance(3600)`.
 */

import { type ChildProcess, spawn } from 'node:child_process'
import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'
import { createInterface } from 'node:readline'

export { Clock } from '../native.js'

const FREE_PORTS: Flags = { authorizationPort: 0, portalPort: 0, controlPort: 0 }
const READY_WITHIN = 20_000

/** What the emulator says when it listens. Nothing in it opens anything real. */
export interface Ready {
  authorization: string
  portal: string
  control: string
  client_id: string
  client_secret: string
  redirect_uri: string
  member_id: string
  webhook: string
  pid: number
  [more: string]: unknown
}

/** A consent without a browser. */
export interface Consent {
  redirect_url: string
  code: string
  state: string | null
}

/** What a flag may be: `false`, `null` and `undefined` are no flag, an object is JSON. */
export type Flag =
  | string
  | number
  | boolean
  | null
  | undefined
  | { readonly [name: string]: unknown }

/**
 * Flags of `evergrant emulator`: `{ leads: 10 }` is `--leads 10`, `{ tls: true }` is `--tls`. A list repeats its
 * flag: `{ portal: [{ leads: 5 }, { seed: 9 }] }` are two further portals. `{ set: { rotation: 'family' } }` is
 * `--set rotation="family"`, and so for each setting in it.
 */
export type Flags = Record<string, Flag | readonly Flag[]>

/**
 * The program `evergrant`: the one that `EVERGRANT_PROGRAM` names, else the one on the PATH.
 * Throws with the way to get it.
 */
export function program(): string {
  const named = process.env.EVERGRANT_PROGRAM
  if (named) return named
  for (const folder of (process.env.PATH ?? '').split(delimiter)) {
    const candidate = join(folder, 'evergrant')
    try {
      accessSync(candidate, constants.X_OK)
      return candidate
    } catch {
      // Not in this folder.
    }
  }
  throw new Error(
    'the program `evergrant` is not on the PATH: install it (`cargo install --path cli`), or name it in EVERGRANT_PROGRAM',
  )
}

/** A running emulator. It also ends when this process dies, because its standard input closes. */
export class Emulator {
  private constructor(
    private readonly child: ChildProcess,
    /** The line that it printed when it was ready. */
    readonly ready: Ready,
  ) {}

  /** Starts one, on free ports unless they are given. */
  static async start(flags: Flags = {}): Promise<Emulator> {
    const given = Object.entries(flags).filter(([, value]) => value !== null && value !== undefined)
    const all = { ...FREE_PORTS, ...Object.fromEntries(given) }
    const words = Object.entries(all).flatMap(([name, value]) => flagWords(name, value))
    const child = spawn(program(), ['emulator', '--until-stdin-closes', ...words], {
      stdio: ['pipe', 'pipe', 'pipe'],
    })
    const line = await firstLine(child)
    // Read on, so that the emulator never waits for us.
    child.stderr?.resume()
    return new Emulator(child, JSON.parse(line) as Ready)
  }

  /** One request to the control port; its JSON. */
  async control(method: string, path: string, body?: unknown): Promise<unknown> {
    return control(this.ready.control, method, path, body)
  }

  /** Turns the portal's clock forward. */
  async advance(seconds: number): Promise<void> {
    await this.control('POST', '/clock', { advance: seconds })
  }

  /** A person's consent, without a browser. */
  async consent(options: { userId?: number; state?: string } = {}): Promise<Consent> {
    const { userId = 1, state } = options
    const body = state === undefined ? { user_id: userId } : { user_id: userId, state }
    return (await this.control('POST', '/consent', body)) as Consent
  }

  /** Every secret of this run: client secret, webhook, all tokens that were ever issued. */
  async secrets(): Promise<string[]> {
    const tokens = (await this.control('GET', '/tokens')) as { token: string }[]
    const webhook = this.ready.webhook.split('/').filter(Boolean).at(-1) ?? ''
    return [this.ready.client_secret, webhook, ...tokens.map(({ token }) => token)]
  }

  /** As just started. */
  async reset(): Promise<void> {
    await this.control('POST', '/reset', {})
  }

  /** Stops the process and waits for its end. */
  async stop(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return
    const ended = new Promise((resolve) => {
      this.child.once('exit', resolve)
    })
    this.child.kill('SIGTERM')
    await ended
  }
}

/** A flag as the program takes it: once, not at all, or once for each value of a list. */
function flagWords(name: string, value: Flags[string]): string[] {
  const flag = `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`
  return values(name, value).flatMap((one) => {
    if (one === null || one === undefined || one === false) return []
    if (one === true) return [flag]
    return [flag, typeof one === 'object' ? JSON.stringify(one) : String(one)]
  })
}

function values(name: string, value: Flags[string]): readonly Flag[] {
  if (isList(value)) return value
  if (name !== 'set' || typeof value !== 'object' || value === null) return [value]
  return Object.entries(value).map(([setting, to]) => `${setting}=${JSON.stringify(to)}`)
}

function isList(value: Flags[string]): value is readonly Flag[] {
  return Array.isArray(value)
}

function firstLine(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let said = ''
    child.stderr?.on('data', (text) => {
      said += text
    })
    const late = setTimeout(() => {
      child.kill()
      reject(new Error('the emulator is not ready in time'))
    }, READY_WITHIN)
    const settle = (act: () => void) => () => {
      clearTimeout(late)
      act()
    }
    if (child.stdout) {
      createInterface({ input: child.stdout }).once('line', (line) => settle(() => resolve(line))())
    }
    child.once('error', (error) => settle(() => reject(error))())
    child.once(
      'close',
      settle(() => reject(new Error(`the emulator did not start: ${said.trim()}`))),
    )
  })
}

/** One request to the control port at `origin`; its JSON. */
export async function control(
  origin: string,
  method: string,
  path: string,
  body?: unknown,
): Promise<unknown> {
  const request: RequestInit = { method }
  if (body !== undefined && body !== null) {
    request.body = JSON.stringify(body)
    request.headers = { 'content-type': 'application/json' }
  }
  const answer = await fetch(origin + path, request)
  const text = await answer.text()
  if (!answer.ok) throw new Error(`control ${path}: ${answer.status} ${text}`)
  return text === '' ? null : JSON.parse(text)
}
