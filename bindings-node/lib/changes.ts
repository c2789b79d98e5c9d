/** Changes of grants: told to a function, or read with `for await`. */

import type * as native from '../native.js'
import { type AbortSignalLike, cancellable } from './cancel.js'
import { type CallSite, settle } from './outcome.js'

/** A grant has another pair or another status, and that is durable by now. */
export interface Change {
  /** The grant. */
  grant: number
  /** Its generation now. */
  generation: number
  /** Its status now. */
  status: 'active' | 'suspended' | 'needs_reauthorization' | 'uninstalled'
}

/** Called with each change; may be asynchronous. */
export type ChangeListener = (change: Change) => unknown

const FIRST_PAUSE = 1000
const LONGEST_PAUSE = 60_000

/** Reads changes one by one, until the signal ends it. Being ended loses none. */
export async function* changesOf(
  changes: native.Changes,
  until: AbortSignalLike | undefined,
  site: CallSite,
): AsyncGenerator<Change, void, undefined> {
  for (;;) {
    await settle(site, () => cancellable(until, async (cancel) => changes.ready(cancel)))
    const change = changes.take()
    if (change !== null) yield change as Change
  }
}

/**
 * Calls `listener` with every change, and again after a pause where it threw. Holds no process.
 * Answers a function that ends it.
 */
export function listen(
  changes: native.Changes,
  listener: ChangeListener,
  complain: (error: unknown) => void,
): () => void {
  let pause = FIRST_PAUSE
  let waiting: NodeJS.Timeout | undefined
  let ended = false
  const tell = async () => {
    for (let change = changes.take(); change !== null && !ended; change = changes.take()) {
      try {
        await listener(change as Change)
        pause = FIRST_PAUSE
      } catch (thrown) {
        changes.giveBack()
        if (ended) return
        waiting = setTimeout(() => changes.proceed(), pause).unref()
        pause = Math.min(pause * 2, LONGEST_PAUSE)
        complain(thrown)
        return
      }
    }
    changes.proceed()
  }
  changes.listen(() => void tell())
  return () => {
    ended = true
    clearTimeout(waiting)
    changes.close()
  }
}
