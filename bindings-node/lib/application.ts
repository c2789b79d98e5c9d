import { inspect } from 'node:util'

import * as native from '../native.js'
import { type AbortSignalLike, signal } from './cancel.js'
import { type Change, type ChangeListener, changesOf, listen } from './changes.js'
import { type Client, clientOf } from './client.js'
import { callable, count, invalid, optional, options, seconds, text } from './input.js'
import { type PaceOptions, paceOf } from './options.js'
import { attempt, attemptSync, unwrap } from './outcome.js'
import { type ApplicationOptions, clockOf, settingsOf } from './settings.js'
import { type Token, tokenOf } from './token.js'

/** One thing that happened to a grant. */
export interface AuditEntry {
  /** Counts the grant's entries from 1. */
  number: number
  /** The store's clock, in milliseconds since 1970. */
  at: number
  /** What happened: `installed`, `intent`, `sent`, `committed`, `ambiguous`, `refused` ... */
  event: string
  /** The chain's number, as text: it is too large for a number. */
  chain: string
  /** The attempt's id; empty if none. */
  attempt: string
  /** The machine's id; empty if none. */
  node: string
  /** The grant's generation afterwards. */
  generation: number
  /** Hash over this entry and the one before it. */
  hash: string
}

/** What an application's keeper has done in this process. */
export interface Statistics {
  /** Pairs received and committed. */
  rotations: number
  /** Exchanges whose answer was lost. */
  ambiguous: number
  /** Pairs brought into the store that some process had left behind, or the store had lost. */
  salvaged: number
  /** Spare chains that took over. */
  promoted: number
  /** Chains taken over from silent holders. */
  takenOver: number
  /** Answers that found no pair to succeed. */
  orphaned: number
  /** Seconds, at most, from the store's last word to the first byte of a refresh token. */
  longestConfirmToWrite: number
}

/** When the refresh tokens of an application need attention, in Unix seconds. */
export interface KeepAlive {
  /** From then on {@link Application.maintain} rotates the first of them. */
  dueAt: number
  /** When the first of them probably dies unless it is rotated. */
  expiresAt: number
}

/** Where to send a person for consent. */
export interface AuthorizeLink {
  /** The page to open in a browser. */
  url: string
  /** Keep it with the person's session; pass it as `expectedState` when the redirect comes. */
  state: string
}

/** The right of an application to act for one user on one portal; without its tokens. */
export interface Grant {
  /** Its number in the store. */
  id: number
  /** The portal's host. */
  portal: string
  /** The portal's stable identity. */
  memberId: string
  /** Whose right it is; 0 if the vendor did not say. */
  userId: number
  /** Whether it can be renewed. */
  status: 'active' | 'suspended' | 'needs_reauthorization' | 'uninstalled'
  /** Granted scopes. */
  scope: string[]
  /** Counts the pairs that readers have been given. */
  generation: number
  /** When the current access token dies, in Unix seconds. */
  accessExpiresAt: number
  /** When the refresh token probably dies, in Unix seconds. */
  refreshExpiresAt: number
}

/** How fresh a token must be. */
export interface TokenOptions {
  /** Seconds that it must still live, 0 to 3000; 60 unless given. */
  minTtl?: number | undefined
}

/** Options of {@link Application.changes}. */
export interface ChangesOptions {
  /** Ends the loop with an `OperationCancelledError`. */
  signal?: AbortSignalLike | null | undefined
}

/** Options of {@link Application.onChange}. */
export interface ListenerOptions {
  /** Gets what the listener threw. */
  onError?: ((error: unknown) => void) | undefined
}

/** One Bitrix24 application, local or mass-market, with the store that its grants live in. */
export class Application {
  readonly #native: native.Application
  /** The latest token object of each grant. */
  readonly #tokens = new Map<number, Token>()

  private constructor(handle: native.Application) {
    if (!(handle instanceof native.Application)) {
      throw invalid('application', 'an application is opened by Application.open')
    }
    this.#native = handle
  }

  /**
   * Opens the store and finishes what an earlier process left half done.
   *
   * @throws {InvalidInputError} naming the option; {@link StoreError} for the store and its key.
   */
  static async open(settings: ApplicationOptions): Promise<Application> {
    const handle = await attempt(Application.open, async () =>
      native.Application.open(settingsOf(settings), clockOf(settings)),
    )
    return new Application(handle)
  }

  /** The link that a person opens to consent, and the state to keep until the redirect comes. */
  authorizeUrl(portal: string): AuthorizeLink {
    return attemptSync(this.authorizeUrl, () => this.#native.authorizeUrl(text(portal, 'portal')))
  }

  /**
   * Turns the redirect into a grant, after checking its state.
   *
   * @param redirectUrl the whole address that the browser was sent to, or its query
   * @throws {StateMismatchError} before anything is sent; {@link AuthorizationError} for a code that
   * is older than thirty seconds or was used.
   */
  async exchange(redirectUrl: string, expected: { expectedState: string }): Promise<Grant> {
    return attempt(this.exchange, async () => {
      const { expectedState } = options(expected, ['expectedState'])
      const grant = this.#native.exchange(
        text(redirectUrl, 'redirectUrl'),
        text(expectedState, 'expectedState'),
      )
      return grant as Promise<Grant | native.Failure>
    })
  }

  /** Turns a code that a person copied into a grant on `portal`, which the code must be for. */
  async exchangeCode(portal: string, code: string): Promise<Grant> {
    return attempt(this.exchangeCode, async () => {
      const grant = this.#native.exchangeCode(text(portal, 'portal'), text(code, 'code'))
      return grant as Promise<Grant | native.Failure>
    })
  }

  /** All grants of this application in the store. */
  async grants(): Promise<Grant[]> {
    return attempt(
      this.grants,
      async () => this.#native.grants() as Promise<Grant[] | native.Failure>,
    )
  }

  /** One grant. */
  async grant(id: number): Promise<Grant> {
    return attempt(
      this.grant,
      async () => this.#native.grant(count(id, 'grant')) as Promise<Grant | native.Failure>,
    )
  }

  /** An access token that lives long enough; renewed first if it must be. */
  async token(id: number, freshness?: TokenOptions): Promise<Token> {
    const here = this.tokenSync(id, freshness)
    if (here !== undefined) return here
    const bare = await attempt(this.token, async () => this.#native.token(id, minTtlOf(freshness)))
    return tokenOf(bare)
  }

  /**
   * A token that this process has already, if it lives long enough. Never waits; the same token is
   * the same object.
   */
  tokenSync(id: number, freshness?: TokenOptions): Token | undefined {
    try {
      return this.#peek(count(id, 'grant'), minTtlOf(freshness))
    } catch (thrown) {
      // Only now: taking the stack costs more than the token.
      return attemptSync(this.tokenSync, () => {
        throw thrown
      })
    }
  }

  #peek(id: number, minTtl: number): Token | undefined {
    const generation = this.#native.peekGeneration(id, minTtl)
    if (generation === 0) return undefined
    const known = this.#tokens.get(id)
    if (known?.generation === generation) return known
    const bare = this.#native.peekToken(id, minTtl)
    if (bare === null) return undefined
    const token = tokenOf(bare)
    this.#tokens.set(id, token)
    return token
  }

  /**
   * A token newer than `generation`, for a reader whose token the portal called expired. Renews
   * only if that generation is still the current one.
   */
  async renewToken(id: number, generation: number): Promise<Token> {
    const bare = await attempt(this.renewToken, async () =>
      this.#native.renewToken(count(id, 'grant'), count(generation, 'generation')),
    )
    return tokenOf(bare)
  }

  /**
   * Keeps a refresh token that the portal delivered (a frame opening, an installation) as a spare
   * chain of the grant, which takes over if the grant's own chain is lost. The token is proven first,
   * by rotating it.
   *
   * @throws {InvalidInputError} for a token that was delivered before, or of another user.
   */
  async addSpare(id: number, refreshToken: string): Promise<Grant> {
    return attempt(this.addSpare, async () => {
      const grant = this.#native.addSpare(count(id, 'grant'), text(refreshToken, 'refreshToken'))
      return grant as Promise<Grant | native.Failure>
    })
  }

  /**
   * Gives the grant to another user of the same portal, who consented with this code. Its number
   * stays; its rights are the other user's from then on.
   *
   * @throws {InvalidInputError} if that user has a grant of their own, or for a code of another portal.
   */
  async transfer(id: number, code: string): Promise<Grant> {
    return attempt(this.transfer, async () => {
      const grant = this.#native.transfer(count(id, 'grant'), text(code, 'code'))
      return grant as Promise<Grant | native.Failure>
    })
  }

  /**
   * Changes of this application's grants from now on, each told after it is durable. A slow reader
   * gets the latest change of each grant. Waiting for the next holds the process; leaving the loop,
   * or the signal, ends it.
   */
  changes(changesOptions?: ChangesOptions): AsyncGenerator<Change, void, undefined> {
    return attemptSync(this.changes, (site) => {
      const until = optional(options(changesOptions, ['signal']).signal, 'signal', signal)
      return changesOf(this.#native.changes(), until, site)
    })
  }

  /**
   * Calls `listener` after a change of a grant is durable. A slow listener gets the latest change of
   * each grant. If it throws or rejects, the error goes to `onError`, else it is a warning of the type
   * `EvergrantWarning`, and the listener is called again after a pause, with what is the newest then.
   * Holds no process.
   *
   * @returns a function that ends it.
   */
  onChange(listener: ChangeListener, listenerOptions?: ListenerOptions): () => void {
    return attemptSync(this.onChange, () => {
      const { onError } = options(listenerOptions, ['onError'])
      const complain = optional(onError, 'onError', callable) ?? warn
      return listen(this.#native.changes(), callable(listener, 'listener'), complain)
    })
  }

  /**
   * One round of background work: keep-alive, renewal ahead of need, recovery of what dead processes
   * left. Only needed where `background` is off.
   */
  async maintain(): Promise<void> {
    await attempt(this.maintain, async () => this.#native.maintain())
  }

  /** When keep-alive is due next; undefined where there is nothing to keep alive. */
  async nextKeepAlive(): Promise<KeepAlive | undefined> {
    const next = await attempt(this.nextKeepAlive, async () => this.#native.nextKeepAlive())
    return next ?? undefined
  }

  /**
   * Lets no new exchange begin and waits for those under way, at most `deadline` seconds: unless given,
   * for as long as one may last (165). True if all of them ended. For programs that were asked to stop.
   */
  async shutDown(deadline?: number): Promise<boolean> {
    return attempt(this.shutDown, async () =>
      this.#native.shutDown(optional(deadline, 'deadline', seconds)),
    )
  }

  /** As {@link Application.shutDown}. */
  async close(): Promise<void> {
    await this.shutDown()
  }

  /**
   * Releases a grant that is held because the store was restored or copied: says that this store is
   * the only one in use.
   */
  async release(id: number): Promise<void> {
    await attempt(this.release, async () => this.#native.release(count(id, 'grant')))
  }

  /** Seals everything with the newest version of the master key; answers how many grants it was. */
  async reseal(): Promise<number> {
    return attempt(this.reseal, async () => this.#native.reseal())
  }

  /**
   * A grant's history, oldest first, proven to be whole.
   *
   * @throws {StoreError} if an entry was changed or taken out; `context.entry` says which.
   */
  async audit(id: number): Promise<AuditEntry[]> {
    return attempt(this.audit, async () => this.#native.audit(count(id, 'grant')))
  }

  /** What this application's keeper has done in this process. */
  statistics(): Statistics {
    return attemptSync(this.statistics, () => this.#native.statistics())
  }

  /** A client that calls the grant's portal. Whether the grant exists shows at the first call. */
  client(id: number, paceOptions?: PaceOptions): Client {
    return attemptSync(this.client, () => {
      const client = this.#native.client(count(id, 'grant'))
      return clientOf(unwrap(client.paced(paceOf(paceOptions))))
    })
  }
}

const LEAST_LIFE = 60

function minTtlOf(freshness: unknown): number {
  if (freshness === undefined) return LEAST_LIFE
  return optional(options(freshness, ['minTtl']).minTtl, 'minTtl', count) ?? LEAST_LIFE
}

function warn(error: unknown): void {
  const message = `a listener of changes failed; it is called again after a pause: ${inspect(error)}`
  process.emitWarning(message, 'EvergrantWarning')
}
