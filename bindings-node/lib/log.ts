/**
 * What the core says. Warnings and errors become warnings of Node, of the type `EvergrantWarning`: on
 * standard error unless `process.on('warning')` or `--no-warnings` say otherwise.
 */

import { inspect } from 'node:util'

import * as native from '../native.js'
import { callable, invalid } from './input.js'
import { attemptSync } from './outcome.js'

/** How severe a record is, the most severe first. */
export type LogLevel = 'error' | 'warn' | 'info' | 'debug' | 'trace'

const LEVELS: readonly unknown[] = ['error', 'warn', 'info', 'debug', 'trace'] satisfies LogLevel[]

/** Something that happened. */
export interface LogRecord {
  /** How severe it is. */
  level: LogLevel
  /** In words, with its facts as ` name=value`. Never a secret. */
  message: string
}

const warn = ({ message }: { message: string }) => process.emitWarning(message, 'EvergrantWarning')

native.onWarning(warn)

/**
 * Calls `listener` with everything as severe as `level`, until the function that it answers is called. With
 * `debug`, each call of a portal ends with a record of its portal, method, status, requests and waits.
 * A listener that throws or rejects is a warning. Holds no process.
 *
 * @throws {InvalidInputError} naming the field `listener` or `level`.
 */
export function onLog(
  listener: (record: LogRecord) => unknown,
  level: LogLevel = 'info',
): () => void {
  return attemptSync(onLog, () => {
    const tell = callable(listener, 'listener')
    if (!LEVELS.includes(level)) throw invalid('level', `level must be one of ${LEVELS.join(', ')}`)
    let ended = false
    const hear = async (record: native.LogRecord) => {
      try {
        if (!ended) await tell(record)
      } catch (thrown) {
        warn({ message: `a listener of the log failed: ${inspect(thrown)}` })
      }
    }
    const id = native.onLog(level, (record) => void hear(record))
    return () => {
      ended = true
      native.offLog(id)
    }
  })
}
