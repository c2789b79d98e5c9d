/** From an `AbortSignal` to the native module. */

import { Cancel, type Failure } from '../native.js'
import { OperationCancelledError } from './errors.js'
import { invalid } from './input.js'
import { errorOf, isFailure } from './outcome.js'

/** What this package needs of an `AbortSignal`. */
export interface AbortSignalLike {
  readonly aborted: boolean
  readonly reason?: unknown
  addEventListener(type: 'abort', listener: () => void): void
  removeEventListener(type: 'abort', listener: () => void): void
}

/** Reads the option `signal`. */
export function signal(value: unknown, field: string): AbortSignalLike {
  const { aborted, addEventListener } = Object(value) as Partial<AbortSignalLike>
  if (typeof aborted === 'boolean' && typeof addEventListener === 'function') {
    return value as AbortSignalLike
  }
  throw invalid(field, `${field} must be an AbortSignal`)
}

/**
 * Runs `work`; the signal ends it early. A rotation that the work waits for goes on. `begun` says that the
 * portal may have heard of it by now.
 */
export async function cancellable<Value>(
  signal: AbortSignalLike | undefined,
  work: (cancel?: Cancel) => Promise<Value | Failure>,
  begun = false,
): Promise<Value | Failure> {
  if (signal === undefined) return work()
  if (signal.aborted) {
    throw new OperationCancelledError({
      kind: 'cancelled',
      message: begun ? 'the caller cancelled' : 'the caller cancelled before anything was sent',
      ...(begun ? { advice: 'What was sent already may have been executed.' } : {}),
      cause: signal.reason,
    })
  }
  const cancel = new Cancel()
  const running = work(cancel)
  attach(signal, cancel)
  try {
    const outcome = await running
    if (isFailure(outcome) && outcome.failure.kind === 'cancelled') {
      throw errorOf(outcome, signal.reason)
    }
    return outcome
  } finally {
    detach(signal, cancel)
  }
}

/** What a signal ends, behind one listener: Node warns of more than ten. */
interface Attached {
  readonly work: Set<Cancel>
  readonly listener: () => void
}

const ATTACHED = new WeakMap<AbortSignalLike, Attached>()

function attach(signal: AbortSignalLike, cancel: Cancel): void {
  let attached = ATTACHED.get(signal)
  if (attached === undefined) {
    const work = new Set<Cancel>()
    const listener = () => {
      for (const each of work) each.cancel()
    }
    attached = { work, listener }
    ATTACHED.set(signal, attached)
    signal.addEventListener('abort', listener)
  }
  attached.work.add(cancel)
}

function detach(signal: AbortSignalLike, cancel: Cancel): void {
  const attached = ATTACHED.get(signal)
  attached?.work.delete(cancel)
  if (attached?.work.size === 0) {
    signal.removeEventListener('abort', attached.listener)
    ATTACHED.delete(signal)
  }
}
