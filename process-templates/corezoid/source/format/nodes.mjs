// The words in which the processes are written. Each function answers one node; targets are names of nodes of the same process.

/** A test of a condition: `fun` is Corezoid's name of the comparison. */
const test = (param, fun, value, cast = 'string') => ({ param, fun, const: String(value), cast })
export const is = (param, value) => test(param, 'eq', value)
export const isNot = (param, value) => test(param, 'not_eq', value)
export const matches = (param, pattern) => test(param, 'regexp', pattern)
export const atMost = (param, value) => test(param, 'less_or_eq', value, 'number')
export const below = (param, value) => test(param, 'less', value, 'number')
export const atLeast = (param, value) => test(param, 'more_or_eq', value, 'number')

/** A case of a condition: all tests hold, then it goes to `next`. */
export const when = (next, ...tests) => ({ next, tests })
/** The same target for each of several tests. */
export const either = (next, ...tests) => tests.map((one) => when(next, one))

/** Where tasks come in. */
export const start = (next) => ({ kind: 'start', title: 'Start', next })

/**
 * Where tasks end. `keep` leaves the task in the archive of executions: only where no secret is in it any more.
 * @param {string} title
 * @param {{failed?: boolean, keep?: boolean, about?: string}} [options]
 */
export const end = (title, options = {}) => ({ kind: 'end', title, ...options })

/**
 * Writes parameters. A value is text; `number(...)` makes it a number.
 * @param {string} title
 * @param {Record<string, string | {number: string}>} values
 * @param {{next: string, error: string, about?: string}} options
 */
export const set = (title, values, options) => ({ kind: 'set', title, values, ...options })
export const number = (text) => ({ number: text })
/** Unix time in so many seconds. */
export const inSeconds = (seconds) => number(`$.math($.unixtime()+${seconds})`)
export const now = number('$.unixtime()')

/** A choice: the first case that holds, else `otherwise`. */
export const choose = (title, cases, otherwise, options = {}) => ({
  kind: 'choose',
  title,
  cases: cases.flat(),
  otherwise,
  ...options,
})

/** Waits so many seconds, or until a Unix time that a parameter holds. */
export const wait = (title, timer, next, options = {}) => ({
  kind: 'wait',
  title,
  timer: { ...timer, next },
  ...options,
})

/**
 * A POST. `form` goes as form fields, `json` as JSON; `answer` says which parameter gets which part of the answer.
 * @param {string} title
 * @param {{url: string, form?: object, json?: object, answer?: object, next: string, error: string, timer?: object}} options
 */
export const post = (title, options) => ({ kind: 'post', title, ...options })

/** Makes a task in another object of the folder (`mode: 'create'`), or changes one (`mode: 'modify'`). */
export const copy = (title, options) => ({ kind: 'copy', title, ...options })

/** Calls a process of the folder and waits for its reply. */
export const call = (title, options) => ({ kind: 'call', title, ...options })

/** Replies to the caller; `exception` is the reason that sends the caller down its error branch. */
export const reply = (title, options) => ({ kind: 'reply', title, ...options })

/** A place in a state diagram where the task rests until a modification or a timer moves it. */
export const state = (title, cases, options = {}) => ({
  kind: 'state',
  title,
  cases: cases.flat(),
  ...options,
})

/** An input or output of a process. A secret one is shown as stars in saved executions. */
export const input = (name, descr) => ({ name, descr, flags: ['input'] })
export const secretInput = (name, descr) => ({ name, descr, flags: ['input', 'auto-clear'] })
export const output = (name, descr) => ({ name, descr, flags: ['output'] })
export const secretOutput = (name, descr) => ({ name, descr, flags: ['output', 'auto-clear'] })

/** Text over several lines of the source, as one line for a person. */
export const text = (parts, ...values) =>
  String.raw({ raw: parts.raw }, ...values)
    .replace(/\s*\n\s*/g, ' ')
    .trim()
