/**
 * The way back from the native module: a value, or an error with the stack of the call.
 *
 * Every call of the native module goes through {@link attempt} or {@link attemptSync}.
 */

import type { Failure } from '../native.js'
import { classOf, EvergrantError, InternalError, type Kind, type Retry } from './errors.js'

/** The frames above a public function, taken when it was called. */
export interface CallSite {
  readonly stack?: string
}

// biome-ignore lint/complexity/noBannedTypes: any function can be the one to leave out of the stack
type Entry = Function

/** Runs `work` for the public function `entry`. Whatever goes wrong is an {@link EvergrantError}. */
export async function attempt<Value>(
  entry: Entry,
  work: (site: CallSite) => Promise<Value | Failure>,
): Promise<Value> {
  const site = callSite(entry)
  return settle(site, () => work(site))
}

/** As {@link attempt}, for work that does not wait. */
export function attemptSync<Value>(entry: Entry, work: (site: CallSite) => Value | Failure): Value {
  const site = callSite(entry)
  try {
    return unwrap(work(site))
  } catch (thrown) {
    throw blame(thrown, site)
  }
}

/** Waits for `work` on behalf of a call that was made at `site`. */
export async function settle<Value>(
  site: CallSite,
  work: () => Promise<Value | Failure>,
): Promise<Value> {
  try {
    return unwrap(await work())
  } catch (thrown) {
    throw blame(thrown, site)
  }
}

/** The value; throws where there is none. */
export function unwrap<Value>(outcome: Value | Failure): Value {
  if (isFailure(outcome)) throw errorOf(outcome)
  return outcome
}

/** True for what the native module answers instead of a value. */
export function isFailure(outcome: unknown): outcome is Failure {
  return typeof outcome === 'object' && outcome !== null && 'failure' in outcome
}

/** The error that a failure describes; `cause` replaces the causes that the failure knows. */
export function errorOf({ failure }: Failure, cause = causeOf(failure.causes)): EvergrantError {
  const facts = {
    ...failure,
    kind: failure.kind as Kind,
    retry: failure.retry as Retry,
    context: Object.fromEntries(failure.context),
  }
  return new (classOf(failure.kind))(cause === undefined ? facts : { ...facts, cause })
}

/** The errors underneath, as a chain; they happened in no JavaScript, so they have no frames. */
function causeOf(causes: readonly string[]): unknown {
  return causes.reduceRight<Error | undefined>((below, message) => {
    const cause = new Error(message, below && { cause: below })
    cause.stack = `${cause.name}: ${message}`
    return cause
  }, undefined)
}

/** Gives an error the stack of the call. What is none of our errors is a defect, and its text stays here. */
export function blame(thrown: unknown, site: CallSite): EvergrantError {
  const error = thrown instanceof EvergrantError ? thrown : defect()
  const frames = typeof site.stack === 'string' ? site.stack.replace(/^.*/, '') : ''
  Object.defineProperty(error, 'stack', {
    value: `${error.name}: ${error.message}${frames}`,
    writable: true,
    configurable: true,
  })
  return error
}

function defect(): InternalError {
  const advice = 'Please report it, with what the process printed before.'
  return new InternalError({
    kind: 'internal',
    message: `a defect in evergrant ended this call. ${advice}`,
    advice,
  })
}

function callSite(entry: Entry): CallSite {
  const site = {}
  Error.captureStackTrace(site, entry)
  return site
}
