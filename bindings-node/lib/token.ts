import type * as native from '../native.js'

let create: (bare: native.Token) => Token

/**
 * An access token and what a reader needs beside it. `console.log`, `util.inspect` and
 * `JSON.stringify` do not show the token itself.
 */
export class Token {
  readonly #accessToken: string
  /** The grant it belongs to. */
  readonly grant: number
  /** When it dies, in Unix seconds. */
  readonly expiresAt: number
  /** Counts the pairs of its grant; never goes back. */
  readonly generation: number
  /** REST base of the portal, ends in a slash. */
  readonly clientEndpoint: string
  /** The portal's stable identity. */
  readonly memberId: string
  /** Whose rights it carries; 0 if the vendor did not say. */
  readonly userId: number
  /** Granted scopes. */
  readonly scope: readonly string[]

  private constructor(bare: native.Token) {
    this.#accessToken = bare.accessToken
    this.grant = bare.grant
    this.expiresAt = bare.expiresAt
    this.generation = bare.generation
    this.clientEndpoint = bare.clientEndpoint
    this.memberId = bare.memberId
    this.userId = bare.userId
    this.scope = Object.freeze(bare.scope)
    // The same token is the same object for all who read it.
    Object.freeze(this)
  }

  static {
    create = (bare) => new Token(bare)
  }

  /** The token itself: for the parameter `auth` or a header, not for logs. */
  get accessToken(): string {
    return this.#accessToken
  }
}

export { create as tokenOf }
