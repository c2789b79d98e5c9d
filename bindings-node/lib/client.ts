import * as native from '../native.js'
import { asText, type Command, type CommandOutcome, commandsOf } from './batch.js'
import { cancellable } from './cancel.js'
import {
  type ByteSink,
  type DownloadOptions,
  type FileContent,
  fileOf,
  sent,
  store,
  targetOf,
  transferOf,
  type UploadOptions,
} from './files.js'
import { ids, invalid, text } from './input.js'
import {
  type Abortable,
  type BatchOptions,
  batchOf,
  type CallOptions,
  callOf,
  type ListOptions,
  listOf,
  untilOf,
  type WebhookOptions,
  webhookOf,
} from './options.js'
import { attempt, attemptSync, blame, errorOf, isFailure, settle, unwrap } from './outcome.js'
import { json, type Params } from './params.js'
import { Rows } from './rows.js'
import { V3 } from './v3.js'

/** What all calls of this process came to since it started. */
export interface CallCounters {
  /** Calls that were asked for; a request of a batch is one, a file's way up or down is. */
  calls: number
  /** Requests that were sent for them. */
  requests: number
  /** Requests that a portal refused for their rate. */
  refused: number
  /** Requests, or commands of a batch, refused for a method's operating time. */
  refusedOperating: number
  /** Requests that repeated an earlier one of the same call. */
  retried: number
  /** Calls that had to wait before a request. */
  waited: number
  /** Milliseconds that they waited, all together. */
  waitedMs: number
  /** Calls that ended in an error. */
  failed: number
  /** Portals that were followed to another address. */
  moved: number
}

let create: (handle: native.Client) => Client

/** Calls one portal as one user. Made by `Client.fromWebhook` or `Application.client`. */
export class Client {
  readonly #native: native.Client

  private constructor(handle: native.Client) {
    if (!(handle instanceof native.Client)) {
      throw invalid('client', 'a client is made by Client.fromWebhook or by Application.client')
    }
    this.#native = handle
  }

  static {
    create = (handle) => new Client(handle)
  }

  /**
   * A client over an incoming webhook, `https://<portal>/rest/<user>/<secret>/`. The address is a
   * secret: it shows in no error.
   *
   * @throws {InvalidInputError} naming the field `webhook`, or the option.
   */
  static fromWebhook(url: string, webhookOptions?: WebhookOptions): Client {
    return attemptSync(Client.fromWebhook, () => {
      const [pace, movedTo] = webhookOf(webhookOptions)
      return create(unwrap(native.Client.fromWebhook(text(url, 'webhook'), pace, movedTo)))
    })
  }

  /** What all calls of this process came to since it started. */
  static counters(): CallCounters {
    return attemptSync(Client.counters, () => native.Client.counters())
  }

  /**
   * Calls one method and answers its result.
   *
   * What was certainly not executed is sent again: with a new token, after a refusal for the rate,
   * after a connection that did not come about. Nothing else is repeated.
   *
   * @param params an object, or a list for methods with positional parameters
   */
  async call<Result = unknown>(
    method: string,
    params?: Params,
    callOptions?: CallOptions,
  ): Promise<Result> {
    const result = await attempt(this.call, async () => {
      const [name, body] = [text(method, 'method'), json(params)]
      const [settings, until] = callOf(callOptions)
      return cancellable(until, (cancel) => this.#native.call(name, body, settings, cancel))
    })
    return JSON.parse(result) as Result
  }

  /**
   * Runs any number of commands, fifty to a request. One outcome per command, in the order of the
   * commands; a command that fails does not stop those that have nothing to do with it. With a name
   * as the third, later commands may use the result: `ref('lead')`, `ref('found').at(0).at('ID')`.
   *
   * Rejects only where no request had an answer: the commands may have been executed.
   */
  async batch<Result = unknown>(
    commands: readonly Command[],
    batchOptions?: BatchOptions,
  ): Promise<CommandOutcome<Result>[]> {
    return attempt(this.batch, async (site) => {
      const body = commandsOf(commands, asText)
      const [halt, settings, until] = batchOf(batchOptions)
      const answer = await cancellable(until, (cancel) =>
        this.#native.batch(body, halt, settings, cancel),
      )
      return unwrap(answer).map((outcome): CommandOutcome<Result> => {
        return isFailure(outcome)
          ? { ok: false, error: blame(errorOf(outcome), site) }
          : { ok: true, value: JSON.parse(outcome) }
      })
    })
  }

  /**
   * All rows of a list method, as they come in, never silently short: a page that cannot be had
   * throws an error that names it. Pages by itself, so `params` must not hold `start`.
   *
   * Nothing is sent before the first row is asked for. Leaving the loop early ends the list.
   *
   * @throws {InvalidInputError} at once, for what cannot be asked.
   */
  list<Row = unknown>(method: string, params?: Params, listOptions?: ListOptions): Rows<Row> {
    return attemptSync(this.list, (site) => {
      const [settings, reading] = listOf(listOptions)
      const list = this.#native.list(text(method, 'method'), json(params), settings)
      return new Rows<Row>(unwrap(list), reading, site)
    })
  }

  /** How many rows of a list method match. */
  async count(method: string, params?: Params, abortable?: Abortable): Promise<number> {
    return attempt(this.count, async () => {
      const [name, body] = [text(method, 'method'), json(params)]
      return cancellable(untilOf(abortable), (cancel) => this.#native.count(name, body, cancel))
    })
  }

  /**
   * The rows of a list method with these ids, one for each in their order; null where there is no
   * such row. `params` may select fields and filter further.
   */
  async getByIds<Row = unknown>(
    method: string,
    wanted: Iterable<number | string>,
    params?: Params,
    abortable?: Abortable,
  ): Promise<(Row | null)[]> {
    const rows = await attempt(this.getByIds, async () => {
      const [name, list, body] = [text(method, 'method'), ids(wanted), json(params)]
      return cancellable(untilOf(abortable), (cancel) =>
        this.#native.getByIds(name, list, body, cancel),
      )
    })
    return JSON.parse(rows) as (Row | null)[]
  }

  /**
   * Uploads a file in two steps: `method`, such as `disk.folder.uploadfile`, says where to. The file
   * is held in memory.
   */
  async upload<Result = unknown>(
    method: string,
    params: Params,
    file: FileContent,
    uploadOptions?: UploadOptions,
  ): Promise<Result> {
    const begun = await attempt(this.upload, async (site) => {
      const [name, body, [fileName, content]] = [text(method, 'method'), json(params), fileOf(file)]
      const { until, progress } = transferOf<number>(uploadOptions)
      const upload = unwrap(
        await cancellable(until, (cancel) =>
          this.#native.upload(name, body, fileName, content, cancel),
        ),
      )
      const step = <Value>(work: (cancel?: native.Cancel) => Promise<Value | native.Failure>) =>
        settle(site, () => cancellable(until, work, true))
      const next = () => step((cancel) => upload.progress(cancel))
      const finish = () => step((cancel) => upload.finish(cancel))
      return { upload, next, finish, progress }
    })
    const result = await sent(begun.upload, begun.next, begun.finish, begun.progress)
    return JSON.parse(result) as Result
  }

  /**
   * Downloads from a link that an answer held, such as `DOWNLOAD_URL`; answers how many bytes it was.
   * The link lives as long as the token in it.
   *
   * @param to a path, where the file is either whole or not there; or a stream, which is not ended
   */
  async download(
    url: string,
    to: string | ByteSink,
    downloadOptions?: DownloadOptions,
  ): Promise<number> {
    const begun = await attempt(this.download, async (site) => {
      const [link, target] = [text(url, 'url'), targetOf(to)]
      const { until, progress } = transferOf<number | undefined>(downloadOptions)
      const download = unwrap(
        await cancellable(until, (cancel) => this.#native.download(link, cancel)),
      )
      const next = () => settle(site, () => cancellable(until, (cancel) => download.chunk(cancel)))
      return { download, target, next, progress }
    })
    return store(begun.download, begun.target, begun.next, begun.progress)
  }

  /** The same client for methods of REST 3.0. */
  get v3(): V3 {
    return new V3(this.#native.v3())
  }
}

export { create as clientOf }
