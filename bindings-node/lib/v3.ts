import type * as native from '../native.js'
import { asPath, type Command, commandsOf } from './batch.js'
import { cancellable } from './cancel.js'
import { text } from './input.js'
import {
  type Abortable,
  type CallV3Options,
  callV3Of,
  type ItemsOptions,
  itemsOf,
  type PagingOptions,
  pagingOf,
  untilOf,
} from './options.js'
import { attempt, attemptSync, unwrap } from './outcome.js'
import { json, type Params } from './params.js'
import { Items } from './rows.js'

/** Calls methods of REST 3.0 with a client's token and limits; `client.v3`. */
export class V3 {
  readonly #native: native.V3

  /** @internal */
  constructor(handle: native.V3) {
    this.#native = handle
  }

  /** As `Client.call`. */
  async call<Result = unknown>(
    method: string,
    params?: Params,
    callOptions?: CallV3Options,
  ): Promise<Result> {
    const result = await attempt(this.call, async () => {
      const [name, body] = [text(method, 'method'), json(params)]
      const [settings, until] = callV3Of(callOptions)
      return cancellable(until, (cancel) => this.#native.call(name, body, settings, cancel))
    })
    return JSON.parse(result) as Result
  }

  /**
   * All items of a list method, in the way that it is known to page; `pagination: {limit: 100}` says
   * how many at a time.
   */
  list<Item = unknown>(method: string, params?: Params, listOptions?: PagingOptions): Items<Item> {
    return attemptSync(this.list, (site) => {
      const [paging, reading] = pagingOf(listOptions)
      const list = this.#native.list(text(method, 'method'), json(params), paging)
      return new Items<Item>(unwrap(list), reading, site)
    })
  }

  /** All items behind a `cursor: {field, order, value, limit}`. */
  tail<Item = unknown>(method: string, params?: Params, itemsOptions?: ItemsOptions): Items<Item> {
    return attemptSync(this.tail, (site) => {
      const reading = itemsOf(itemsOptions)
      const list = this.#native.list(text(method, 'method'), json(params), 'tail')
      return new Items<Item>(unwrap(list), reading, site)
    })
  }

  /** Counts, sums and extremes: `{count: ['id']}`. The result has the same shape. */
  async aggregate<Result = unknown>(
    method: string,
    select: object,
    filter?: Params,
    abortable?: Abortable,
  ): Promise<Result> {
    const result = await attempt(this.aggregate, async () => {
      const name = text(method, 'method')
      const [what, which] = [json(select, 'select'), json(filter, 'filter')]
      return cancellable(untilOf(abortable), (cancel) =>
        this.#native.aggregate(name, what, which, cancel),
      )
    })
    return JSON.parse(result) as Result
  }

  /**
   * Makes up to fifty calls in one request, in order; their results. References are as in
   * `Client.batch`, and `ref('many').each('id')` is a field of every item.
   *
   * Rejects with the error of the first call that failed, which does not say which it was; those
   * before it have been executed.
   */
  async batch<Result = unknown>(
    calls: readonly Command[],
    abortable?: Abortable,
  ): Promise<Result[]> {
    const results = await attempt(this.batch, async () => {
      const body = commandsOf(calls, asPath)
      return cancellable(untilOf(abortable), (cancel) => this.#native.batch(body, cancel))
    })
    return JSON.parse(results) as Result[]
  }
}
