/** Files on their way to the portal and back. */

import { open, rename, rm } from 'node:fs/promises'

import type * as native from '../native.js'
import { type AbortSignalLike, signal } from './cancel.js'
import { callable, invalid, optional, options, text } from './input.js'
import type { Abortable } from './options.js'
import { attemptSync } from './outcome.js'

/** A file to be uploaded. */
export interface FileContent {
  /** Its name, as people see it. */
  name: string
  /** What is in it. */
  content: Uint8Array
}

/** The shapes in which methods take a file among their parameters. */
export interface FileShapes {
  /** The content alone, for methods that take the name beside it. */
  base64: string
  /**
   * `[name, base64]`: fields of lists and tasks, `fileContent` of the drive. A field for several
   * files takes a list of such pairs.
   */
  pair: [name: string, base64: string]
  /** `{ fileData: [name, base64] }`: fields of leads, deals, contacts and companies. */
  fileData: { fileData: [name: string, base64: string] }
}

/**
 * A file in the shapes in which methods take it among their parameters.
 *
 * @throws {InvalidInputError} naming the field `file`.
 */
export function fileShapes(file: FileContent): FileShapes {
  return attemptSync(fileShapes, () => {
    const [name, { buffer, byteOffset, byteLength }] = fileOf(file)
    const base64 = Buffer.from(buffer, byteOffset, byteLength).toString('base64')
    return { base64, pair: [name, base64], fileData: { fileData: [name, base64] } }
  })
}

/** What this package needs of a writable stream. */
export interface ByteSink {
  write(chunk: Uint8Array, done: (error?: Error | null) => void): unknown
}

/** Options of an upload. */
export interface UploadOptions extends Abortable {
  /**
   * Called with the bytes that have left, and the size: with fewer than before where the portal has
   * refused the file and it is sent again. What it throws ends the upload.
   */
  progress?: ((sent: number, size: number) => unknown) | undefined
}

/** Options of a download. */
export interface DownloadOptions extends Abortable {
  /** Called with the bytes so far, and the size if the portal said it. */
  progress?: ((received: number, size: number | undefined) => unknown) | undefined
}

/** How a file is accompanied on its way. */
export interface Transfer<Size> {
  readonly until: AbortSignalLike | undefined
  readonly progress: ((bytes: number, size: Size) => unknown) | undefined
}

/** Reads a file to be uploaded. */
export function fileOf(value: unknown): [name: string, content: Uint8Array] {
  const { name, content } = Object(value) as Partial<FileContent>
  if (!(content instanceof Uint8Array)) {
    throw invalid('file', 'file must be {name, content} with bytes for content')
  }
  return [text(name, 'file'), content]
}

/** Options of an upload or a download. */
export function transferOf<Size>(value: unknown): Transfer<Size> {
  const given = options(value, ['progress', 'signal'])
  const progress = optional(given.progress, 'progress', callable)
  return {
    until: optional(given.signal, 'signal', signal),
    progress: progress as Transfer<Size>['progress'],
  }
}

/** Where a download goes: a path, or a stream. */
export function targetOf(value: unknown): string | ByteSink {
  if (typeof value === 'string' && value !== '') return value
  if (typeof (value as Partial<ByteSink> | null)?.write === 'function') {
    return value as ByteSink
  }
  throw invalid('to', 'to must be a path or a writable stream')
}

/** What the portal says of a file that is on its way. Whatever else ends this, cancels the upload. */
export async function sent(
  upload: native.Upload,
  next: () => Promise<number | null>,
  finish: () => Promise<string>,
  progress: UploadOptions['progress'],
): Promise<string> {
  try {
    if (progress) {
      for (let bytes = await next(); bytes !== null; bytes = await next()) {
        progress(bytes, upload.size)
      }
    }
    return await finish()
  } catch (thrown) {
    upload.abort()
    throw thrown
  }
}

/**
 * Writes all parts of a download, and answers how many bytes they were. A path gets its file once
 * that is whole, and never a part of it.
 */
export async function store(
  download: native.Download,
  to: string | ByteSink,
  next: () => Promise<Uint8Array | null>,
  progress: DownloadOptions['progress'],
): Promise<number> {
  const copy = async (write: (chunk: Uint8Array) => Promise<unknown>) => {
    let received = 0
    for (let chunk = await next(); chunk !== null; chunk = await next()) {
      await write(chunk)
      received += chunk.length
      progress?.(received, download.size ?? undefined)
    }
    return received
  }
  if (typeof to !== 'string') {
    return copy((chunk) => written(to, chunk))
  }
  const part = `${to}.${process.pid}.part`
  const file = await open(part, 'w')
  try {
    const received = await copy((chunk) => file.writeFile(chunk))
    await file.close()
    await rename(part, to)
    return received
  } catch (thrown) {
    await file.close().catch(() => undefined)
    await rm(part, { force: true })
    throw thrown
  }
}

function written(to: ByteSink, chunk: Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => {
    to.write(chunk, (error) => (error ? reject(error) : resolve()))
  })
}
