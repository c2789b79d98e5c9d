/** The rows of a list, one by one or page by page. */

import type * as native from '../native.js'
import { cancellable } from './cancel.js'
import type { Progress, Reading } from './options.js'
import { type CallSite, settle } from './outcome.js'

/**
 * The items of a list, from first to last: `for await (const item of items)`. What one request
 * brought is held, and the next is on its way. Leaving the loop early ends the list.
 */
export class Items<Item = unknown> implements AsyncIterableIterator<Item, void, undefined> {
  readonly #native: native.List
  readonly #reading: Reading
  readonly #site: CallSite
  readonly #report: (rows: number, total: number | undefined, ended: boolean) => unknown
  readonly #each: AsyncGenerator<Item, void, undefined>
  /** Pages that were read and not taken over the border yet. */
  #pages = 0
  /** The rows of one page. */
  #ready: (Item | undefined)[] = []
  /** So many of those were handed out. */
  #taken = 0
  #fetched = 0
  #before: string | undefined
  #behind: string | undefined
  #total: number | undefined

  /** @internal */
  constructor(handle: native.List, reading: Reading, site: CallSite) {
    this.#native = handle
    this.#reading = reading
    this.#site = site
    this.#report = reporter(reading.progress)
    this.#before = this.#behind = handle.beginning ?? undefined
    this.#each = this.#items()
  }

  /** The next item; waits for the portal where none is at hand. */
  next(): Promise<IteratorResult<Item, void>> {
    return this.#each.next()
  }

  /** Ends the list. */
  return(): Promise<IteratorResult<Item, void>> {
    return this.#each.return()
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  /** The same, all that a request brought at a time: up to fifty of the portal's pages. */
  async *pages(): AsyncGenerator<Item[], void, undefined> {
    while (this.#isReady() || (await this.#fill())) yield this.#rest()
  }

  protected get place(): string | undefined {
    return this.#isReady() ? this.#before : this.#behind
  }

  protected get known(): number | undefined {
    return this.#total
  }

  async *#items(): AsyncGenerator<Item, void, undefined> {
    do {
      while (this.#isReady()) {
        const item = this.#ready[this.#taken]
        // Not to be held until the last of its neighbours is handed out.
        this.#ready[this.#taken++] = undefined
        yield item as Item
      }
    } while (await this.#fill())
  }

  /** Whether a row is at hand. What a request brought is taken over the border a page at a time. */
  #isReady(): boolean {
    if (this.#taken < this.#ready.length) return true
    if (this.#pages === 0) return false
    this.#pages -= 1
    this.#ready = JSON.parse(this.#native.take() ?? '[]') as Item[]
    this.#taken = 0
    return this.#isReady()
  }

  /** What was not handed out; it is from now on. */
  #rest(): Item[] {
    const rest: Item[] = []
    while (this.#isReady()) {
      for (; this.#taken < this.#ready.length; this.#taken++)
        rest.push(this.#ready[this.#taken] as Item)
    }
    return rest
  }

  /** Reads on; false at the end. */
  async #fill(): Promise<boolean> {
    const step = await settle(this.#site, () =>
      cancellable(this.#reading.until, (cancel) => this.#native.readOn(cancel)),
    )
    this.#total = step.total
    if (step.pages === undefined) {
      this.#report(this.#fetched, this.#total, true)
      return false
    }
    this.#before = this.#behind
    this.#behind = step.cursor
    this.#pages += step.pages
    this.#fetched += step.count
    // Last: whatever it throws, the rows are kept.
    this.#report(this.#fetched, this.#total, false)
    return true
  }
}

/** The rows of a list that can be taken up again. */
export class Rows<Row = unknown> extends Items<Row> {
  /**
   * Where to go on, for the option `after`: keep it together with what you made of the rows.
   *
   * Exact between pages, as with `pages()`: no row is read twice then, and none is missed. Among the
   * rows of a page it stands before that page, whose first rows come again.
   */
  get cursor(): string {
    return this.place ?? ''
  }

  /** How many rows match, once it is known: by pages, or with the option `total`. */
  get total(): number | undefined {
    return this.known
  }
}

function reporter(
  progress: Progress,
): (rows: number, total: number | undefined, ended: boolean) => unknown {
  if (typeof progress === 'function') {
    return (rows, total, ended) => (ended ? undefined : progress(rows, total))
  }
  return progress && process.stderr.isTTY ? writeLine : () => undefined
}

function writeLine(rows: number, total: number | undefined, ended: boolean): void {
  const grouped = (count: number) => count.toLocaleString('en')
  const known = total === undefined ? '' : ` of ${grouped(total)}`
  process.stderr.write(`\r${grouped(rows)}${known} rows${ended ? '\n' : ''}`)
}
