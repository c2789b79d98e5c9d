/** Options of calls and lists: what they mean, and what the native module takes. */

import type * as native from '../native.js'
import { type AbortSignalLike, signal } from './cancel.js'
import { callable, count, flag, invalid, optional, options, present, text } from './input.js'
import { json } from './params.js'

/** What ends work early. */
export interface Abortable {
  /**
   * Ends it with an `OperationCancelledError`. What was sent already may have been executed; a
   * rotation that it waits for goes on.
   */
  signal?: AbortSignalLike | null | undefined
}

/** Options of a call. */
export interface CallOptions extends Abortable {
  /**
   * Doing it twice is harmless: it is sent again also when nobody knows whether it was executed.
   */
  idempotent?: boolean | undefined
  /** Who goes first when the portal takes no more: `interactive` (unless given) before `bulk`. */
  priority?: 'interactive' | 'bulk' | undefined
  /** Milliseconds for the call with all its waits and repetitions; else five minutes. */
  timeoutMs?: number | undefined
}

/** Options of a call of REST 3.0. */
export interface CallV3Options extends CallOptions {
  /** The portal executes calls with the same key once in 24 hours, and answers all of them. */
  idempotencyKey?: string | undefined
}

/** Options of a batch. */
export interface BatchOptions extends Abortable {
  /**
   * Leaves a command alone whose reference is to one that failed; true unless given. Otherwise the
   * portal runs it, with the text of the reference for a value.
   */
  halt?: boolean | undefined
  /** As for a call; `bulk` unless given. */
  priority?: 'interactive' | 'bulk' | undefined
  /**
   * Milliseconds for the whole batch with all its waits and repetitions. What was not sent by then
   * has an error in its place.
   */
  timeoutMs?: number | undefined
}

/** Called with the rows so far, and the total once it is known. True writes a line to a terminal. */
export type Progress = boolean | ((rows: number, total: number | undefined) => unknown)

/** Options of a list of REST 3.0. */
export interface ItemsOptions extends Abortable {
  /** Hears of every page. */
  progress?: Progress | undefined
}

/** How a method of REST 3.0 pages. */
export type Paging = 'offset' | 'cursor' | 'tail'

/** Options of a list of REST 3.0 whose way of paging may have to be said. */
export interface PagingOptions extends ItemsOptions {
  /** Unless given: as the method is known to page. */
  paging?: Paging | undefined
}

/** How the pages of a list are cut. */
export type Strategy = 'auto' | 'pages' | 'after_id' | 'ranges'

/** Options of a list. */
export interface ListOptions extends ItemsOptions {
  /** No more rows than these. */
  limit?: number | undefined
  /** Fields with `ASC` or `DESC`. */
  order?: Readonly<Record<string, string>> | undefined
  /** How pages are cut; `auto` unless given. */
  strategy?: Strategy | undefined
  /** Counts the rows first. */
  total?: boolean | undefined
  /** A `cursor` of the same method and parameters, to go on behind it. */
  after?: string | undefined
}

/** How fast a portal may be called, by all clients of this process together. */
export interface PaceOptions {
  /**
   * `standard`, `enterprise`, `off`, or `<burst>,<requests a second>`. Unless given, what
   * `EVERGRANT_RATE_LIMIT` says, else `standard`.
   */
  rateLimit?: string | undefined
  /** The part of the portal's bucket, 0 to 0.9, left to other programs behind the same address. */
  reserve?: number | undefined
}

/** Options of a client over a webhook. */
export interface WebhookOptions extends PaceOptions {
  /** A host that the portal has moved to, where the secret may go along. */
  movedTo?: string | undefined
}

/** The option `signal` alone. */
export function untilOf(value: unknown): AbortSignalLike | undefined {
  return optional(options(value, ['signal']).signal, 'signal', signal)
}

const CALL = ['idempotent', 'priority', 'timeoutMs', 'signal'] as const

/** Options of a call, and its signal. */
export function callOf(value: unknown): [native.CallSettings, AbortSignalLike | undefined] {
  return readCall(options(value, CALL))
}

/** As {@link callOf}, for REST 3.0. */
export function callV3Of(value: unknown): [native.CallSettings, AbortSignalLike | undefined] {
  const given = options(value, [...CALL, 'idempotencyKey'])
  const [settings, until] = readCall(given)
  const idempotencyKey = optional(given.idempotencyKey, 'idempotencyKey', text)
  return [{ ...settings, ...present({ idempotencyKey }) }, until]
}

function readCall(
  given: Partial<Record<(typeof CALL)[number], unknown>>,
): [native.CallSettings, AbortSignalLike | undefined] {
  const settings = {
    idempotent: optional(given.idempotent, 'idempotent', flag),
    priority: optional(given.priority, 'priority', text),
    timeout: optional(given.timeoutMs, 'timeoutMs', number),
  }
  return [present(settings), optional(given.signal, 'signal', signal)]
}

/** Options of a batch. */
export function batchOf(
  value: unknown,
): [boolean, native.CallSettings, AbortSignalLike | undefined] {
  const given = options(value, ['halt', 'priority', 'timeoutMs', 'signal'])
  return [optional(given.halt, 'halt', flag) ?? true, ...readCall(given)]
}

/** What a list wants while it is read. */
export interface Reading {
  readonly until: AbortSignalLike | undefined
  readonly progress: Progress
}

/** Options of a list. */
export function listOf(value: unknown): [native.ListSettings, Reading] {
  const given = options(value, [
    'limit',
    'order',
    'strategy',
    'total',
    'after',
    'progress',
    'signal',
  ])
  const settings = {
    limit: optional(given.limit, 'limit', count),
    order: optional(given.order, 'order', (order) => json(order, 'order')),
    strategy: optional(given.strategy, 'strategy', text),
    total: optional(given.total, 'total', flag),
    after: optional(given.after, 'after', text),
  }
  return [present(settings), readingOf(given)]
}

/** Options of a list of REST 3.0. */
export function itemsOf(value: unknown): Reading {
  return readingOf(options(value, ['progress', 'signal']))
}

/** As {@link itemsOf}, with the way that the method pages. */
export function pagingOf(value: unknown): [string | undefined, Reading] {
  const given = options(value, ['paging', 'progress', 'signal'])
  return [optional(given.paging, 'paging', text), readingOf(given)]
}

function readingOf(given: { signal?: unknown; progress?: unknown }): Reading {
  return {
    until: optional(given.signal, 'signal', signal),
    progress: optional(given.progress, 'progress', progressOf) ?? false,
  }
}

function progressOf(value: unknown, field: string): Progress {
  return typeof value === 'boolean' ? value : callable(value, field)
}

export const PACE = ['rateLimit', 'reserve'] as const

/** How fast a portal may be called. */
export function paceOf(value: unknown): native.Pace {
  return readPace(options(value, PACE))
}

/** Options of a client over a webhook. */
export function webhookOf(value: unknown): [native.Pace, string | undefined] {
  const given = options(value, [...PACE, 'movedTo'])
  return [readPace(given), optional(given.movedTo, 'movedTo', text)]
}

/** How fast a portal may be called, among other options. */
export function readPace(given: { rateLimit?: unknown; reserve?: unknown }): native.Pace {
  return present({
    rateLimit: optional(given.rateLimit, 'rateLimit', text),
    reserve: optional(given.reserve, 'reserve', number),
  })
}

function number(value: unknown, field: string): number {
  if (typeof value === 'number' && Number.isFinite(value)) return value
  throw invalid(field, `${field} must be a number, not ${String(value)}`)
}
