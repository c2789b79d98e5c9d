import * as native from '../native.js'
import { type AbortSignalLike, cancellable, signal } from './cancel.js'
import type { EvergrantError } from './errors.js'
import { invalid, json, optional, options, type Params, text } from './input.js'
import {
  attempt,
  attemptSync,
  blame,
  type CallSite,
  errorOf,
  isFailure,
  settle,
  unwrap,
} from './outcome.js'

/** Options of a call, a batch or a list. */
export interface CallOptions {
  /**
   * Ends the call early with an `OperationCancelledError`. What was sent already may have been executed; a
   * rotation that the call waits for goes on.
   */
  signal?: AbortSignalLike | null | undefined
}

/** One command of a batch: the method and its parameters. */
export type Command = readonly [method: string, params?: Params]

/** How one command of a batch ended. */
export type CommandOutcome<Result = unknown> =
  | { readonly ok: true; readonly value: Result }
  | { readonly ok: false; readonly error: EvergrantError }

let create: (handle: native.Client) => Client

/** Calls one portal as one user. Made by `Client.fromWebhook` or `Application.client`. */
export class Client {
  readonly #native: native.Client

  private constructor(handle: native.Client) {
    if (!(handle instanceof native.Client)) {
      throw invalid('client', 'a client is made by Client.fromWebhook or by Application.client')
    }
    this.#native = handle
  }

  static {
    create = (handle) => new Client(handle)
  }

  /**
   * A client over an incoming webhook, `https://<portal>/rest/<user>/<secret>/`. The address is a
   * secret: it shows in no error.
   *
   * @throws {InvalidInputError} naming the field `webhook`.
   */
  static fromWebhook(url: string): Client {
    return attemptSync(Client.fromWebhook, () =>
      create(unwrap(native.Client.fromWebhook(text(url, 'webhook')))),
    )
  }

  /**
   * Calls one method and answers its result.
   *
   * An expired token is renewed and the call replayed once; a refusal for the rate is waited out.
   * Nothing else is repeated, because the call may have been executed.
   *
   * @param params an object, or a list for methods with positional parameters
   */
  async call<Result = unknown>(
    method: string,
    params?: Params,
    callOptions?: CallOptions,
  ): Promise<Result> {
    const result = await attempt(this.call, async () => {
      const [name, body, until] = [text(method, 'method'), json(params), signalOf(callOptions)]
      return cancellable(until, (cancel) => this.#native.call(name, body, cancel))
    })
    return JSON.parse(result) as Result
  }

  /**
   * Runs up to fifty commands in order, in one request. One outcome per command, in the order of
   * the commands; a command that fails does not stop the others.
   *
   * Rejects only where the batch as a whole had no answer: its commands may have been executed.
   */
  async batch<Result = unknown>(
    commands: readonly Command[],
    callOptions?: CallOptions,
  ): Promise<CommandOutcome<Result>[]> {
    return attempt(this.batch, async (site) => {
      const [body, until] = [lines(commands), signalOf(callOptions)]
      const answer = await cancellable(until, (cancel) => this.#native.batch(body, cancel))
      return unwrap(answer).map((outcome): CommandOutcome<Result> => {
        return isFailure(outcome)
          ? { ok: false, error: blame(errorOf(outcome), site) }
          : { ok: true, value: JSON.parse(outcome) }
      })
    })
  }

  /**
   * All rows of a list method, as they come in, never silently short: a page that cannot be had
   * throws an error that names it. Pages by itself, so `params` must not hold `start`.
   *
   * Nothing is sent before the first row is asked for. Leaving the loop early ends the list.
   *
   * @throws {InvalidInputError} at once, for a bad method or parameters.
   */
  list<Row = unknown>(
    method: string,
    params?: Params,
    callOptions?: CallOptions,
  ): AsyncGenerator<Row, void, undefined> {
    return attemptSync(this.list, (site) => {
      const until = signalOf(callOptions)
      const pages = unwrap(this.#native.list(text(method, 'method'), json(params)))
      return rows<Row>(pages, until, site)
    })
  }
}

export { create as clientOf }

async function* rows<Row>(
  pages: native.List,
  until: AbortSignalLike | undefined,
  site: CallSite,
): AsyncGenerator<Row, void, undefined> {
  for (;;) {
    const page = await settle(site, () => cancellable(until, (cancel) => pages.nextPage(cancel)))
    if (page === null) return
    yield* JSON.parse(page) as Row[]
  }
}

function signalOf(callOptions: unknown): AbortSignalLike | undefined {
  return optional(options(callOptions, ['signal']).signal, 'signal', signal)
}

/** The commands as JSON text. */
function lines(commands: unknown): string {
  if (!Array.isArray(commands)) {
    throw invalid('commands', 'commands must be a list of [method, params]')
  }
  const pairs = commands.map((command: unknown, index) => {
    if (!Array.isArray(command) || command.length < 1 || command.length > 2) {
      throw invalid('commands', `command ${index} is not [method, params]`)
    }
    return `[${JSON.stringify(text(command[0], 'method'))},${json(command[1])}]`
  })
  return `[${pairs.join(',')}]`
}
