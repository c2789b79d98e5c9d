/** Settings of an application: what they mean, and what is wrong with those that cannot be used. */

import * as native from '../native.js'
import { flag, invalid, optional, options, present, seconds, text, texts, uint32 } from './input.js'
import { PACE, type PaceOptions, readPace } from './options.js'

/** Settings of an application. */
export interface ApplicationOptions extends PaceOptions {
  /** From the application's card on the portal, or the vendor's area. */
  clientId: string
  /** From the same place. */
  clientSecret: string
  /** Where grants live: `memory` (the default), `sqlite:<path>`, `postgres://...` or `redis://...`. */
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
  /**
   * A folder on a local disk that outlives the process, for answers on their way to the store. Else
   * beside the store's file; for a store on a server what `EVERGRANT_SPOOL` names, else a folder in
   * the user's state directory.
   */
  spool?: string | undefined
  /**
   * How often one chain may be rotated in an hour, by all processes together: 3 unless given, 0 for
   * no limit. The vendor blocks applications that renew again and again.
   */
  rotationsPerHour?: number | undefined
  /** The same for a day: 30 unless given. */
  rotationsPerDay?: number | undefined
  /** The same for all chains of the application together, in an hour: 20,000 unless given. */
  applicationRotationsPerHour?: number | undefined
  /** How many exchanges this process may have under way at once: 32 unless given. */
  inFlight?: number | undefined
  /**
   * Whether keep-alive, renewal ahead of need and recovery run by themselves; they do unless this is
   * false. For runtimes that freeze between two requests; call `Application.maintain` there.
   */
  background?: boolean | undefined
  /**
   * What to do with a refresh token that was probably spent by an exchange whose answer is lost.
   * `never`: a person consents anew unless there is a spare. `after_oracle` (the default): ask the
   * authorization server first whether the old access token is still good. `always`: send it again
   * after the pause.
   */
  retrySpent?: RetrySpent | undefined
  /**
   * Rotates every grant after so many seconds (at least 60), wanted or not; the budgets hold all the
   * same. Better left off: the vendor's documentation asks applications not to renew on a schedule,
   * and says that those that do may be blocked. It is for readers that cannot ask for a fresh token.
   */
  fixedInterval?: number | undefined
  /** Another clock, for tests of expiry: `Clock` of `evergrant/testing`. */
  clock?: native.Clock | undefined
}

/** What to do with a refresh token of unknown fate. */
export type RetrySpent = 'never' | 'after_oracle' | 'always'

const SETTINGS = [
  'clientId',
  'clientSecret',
  'store',
  'key',
  'keyFile',
  'authorizationServer',
  'authorizationHosts',
  'refreshByGet',
  'spool',
  'rotationsPerHour',
  'rotationsPerDay',
  'applicationRotationsPerHour',
  'inFlight',
  'background',
  'retrySpent',
  'fixedInterval',
  ...PACE,
  'clock',
] as const

/** What the native module takes. */
export function settingsOf(value: unknown): native.Settings {
  const given = options(value, SETTINGS)
  const settings = {
    store: optional(given.store, 'store', text),
    key: optional(given.key, 'key', text),
    keyFile: optional(given.keyFile, 'keyFile', text),
    authorizationServer: optional(given.authorizationServer, 'authorizationServer', text),
    authorizationHosts: optional(given.authorizationHosts, 'authorizationHosts', texts),
    refreshByGet: optional(given.refreshByGet, 'refreshByGet', flag),
    spool: optional(given.spool, 'spool', text),
    background: optional(given.background, 'background', flag),
    retrySpent: optional(given.retrySpent, 'retrySpent', text),
    fixedInterval: optional(given.fixedInterval, 'fixedInterval', seconds),
  }
  if (settings.key !== undefined && settings.keyFile !== undefined) {
    throw invalid('key', 'give key or keyFile, not both')
  }
  return {
    clientId: text(given.clientId, 'clientId'),
    clientSecret: text(given.clientSecret, 'clientSecret'),
    rotationsPerHour: optional(given.rotationsPerHour, 'rotationsPerHour', uint32) ?? 3,
    rotationsPerDay: optional(given.rotationsPerDay, 'rotationsPerDay', uint32) ?? 30,
    applicationRotationsPerHour:
      optional(given.applicationRotationsPerHour, 'applicationRotationsPerHour', uint32) ?? 20_000,
    inFlight: optional(given.inFlight, 'inFlight', uint32) ?? 32,
    ...present(settings),
    ...readPace(given),
  }
}

/** The option `clock`. */
export function clockOf(settings: ApplicationOptions): native.Clock | undefined {
  return optional(settings.clock, 'clock', (value) => {
    if (value instanceof native.Clock) return value
    throw invalid('clock', 'clock must be a Clock of evergrant/testing')
  })
}
