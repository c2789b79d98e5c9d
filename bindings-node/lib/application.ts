import * as native from '../native.js'
import { type Client, clientOf } from './client.js'
import { count, flag, invalid, optional, options, text, texts } from './input.js'
import { attempt, attemptSync } from './outcome.js'
import { type Token, tokenOf } from './token.js'

/** Settings of an application. */
export interface ApplicationOptions {
  /** From the application's card on the portal, or the vendor's area. */
  clientId: string
  /** From the same place. */
  clientSecret: string
  /** Where grants live: `memory` (the default), or `sqlite:<path>`. */
  store?: string | undefined
  /** The master key that seals the store: 32 bytes as 64 hexadecimal digits or base64. */
  key?: string | undefined
  /** A file that holds it. Without either: `EVERGRANT_KEY`, `EVERGRANT_KEY_FILE`, `<store>.key`. */
  keyFile?: string | undefined
  /** The authorization server, where it is not the vendor's default. */
  authorizationServer?: string | undefined
  /** Hosts that may receive secrets besides the vendor's: an isolated installation's own. */
  authorizationHosts?: readonly string[] | undefined
  /** Sends token requests by GET, secrets in the address. Only for a proxy that refuses POST. */
  refreshByGet?: boolean | undefined
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

/** One Bitrix24 application, local or mass-market, with the store that its grants live in. */
export class Application {
  readonly #native: native.Application

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
      native.Application.open(settingsOf(settings)),
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
    const bare = await attempt(this.token, async () =>
      this.#native.token(count(id, 'grant'), minTtlOf(freshness)),
    )
    return tokenOf(bare)
  }

  /** A token that this process has already, if it lives long enough. Never waits. */
  tokenSync(id: number, freshness?: TokenOptions): Token | undefined {
    const bare = attemptSync(this.tokenSync, () =>
      this.#native.peekToken(count(id, 'grant'), minTtlOf(freshness)),
    )
    return bare === null ? undefined : tokenOf(bare)
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

  /** A client that calls the grant's portal. Whether the grant exists shows at the first call. */
  client(id: number): Client {
    return attemptSync(this.client, () => clientOf(this.#native.client(count(id, 'grant'))))
  }
}

const SETTINGS = [
  'clientId',
  'clientSecret',
  'store',
  'key',
  'keyFile',
  'authorizationServer',
  'authorizationHosts',
  'refreshByGet',
] as const

function settingsOf(value: unknown): native.Settings {
  const given = options(value, SETTINGS)
  const settings = {
    store: optional(given.store, 'store', text),
    key: optional(given.key, 'key', text),
    keyFile: optional(given.keyFile, 'keyFile', text),
    authorizationServer: optional(given.authorizationServer, 'authorizationServer', text),
    authorizationHosts: optional(given.authorizationHosts, 'authorizationHosts', texts),
    refreshByGet: optional(given.refreshByGet, 'refreshByGet', flag),
  }
  if (settings.key !== undefined && settings.keyFile !== undefined) {
    throw invalid('key', 'give key or keyFile, not both')
  }
  return {
    clientId: text(given.clientId, 'clientId'),
    clientSecret: text(given.clientSecret, 'clientSecret'),
    ...(Object.fromEntries(
      Object.entries(settings).filter(([, value]) => value !== undefined),
    ) as Partial<native.Settings>),
  }
}

function minTtlOf(freshness: unknown): number | undefined {
  return optional(options(freshness, ['minTtl']).minTtl, 'minTtl', count)
}
