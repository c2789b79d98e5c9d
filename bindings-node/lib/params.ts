/** Parameters as JSON text. What JSON would drop or bend silently is an error that names the place. */

import { InvalidInputError } from './errors.js'
import { invalid, nameOf } from './input.js'
import { Reference } from './reference.js'

/** Parameters of a method: an object, or a list for methods with positional parameters. */
export type Params = object | null | undefined

/** Writes a reference that stands at a place; throws if it cannot stand there. */
export type Refer = (reference: Reference, where: string) => unknown

const DEEPEST = 100
const LONGEST_KEY = 40
const LONGEST_PLACE = 200
/** What the core and the portal hold as whole numbers. */
const [SMALLEST, LARGEST] = [-(2n ** 63n), 2n ** 64n - 1n]
/** Objects whose content is not in their fields: as JSON they would be empty. */
const HOLLOW = [Map, Set, WeakMap, WeakSet, Promise, RegExp, Error] as const

/** Parameters as JSON text; `where` is how an error names them. */
export function json(params: unknown, where = 'params', refer: Refer = outOfPlace): string {
  if (params === undefined || params === null) return 'null'
  if (typeof params !== 'object') {
    throw invalid('params', `${where} must be an object or a list, not ${nameOf(params)}`)
  }
  const written = new Writer(refer).text(params, where, '')
  if (written?.startsWith('{') || written?.startsWith('[')) return written
  throw invalid('params', `${where} must be an object or a list, and makes itself something else`)
}

/** Writes values; each is looked at once, whatever it does when it is. */
class Writer {
  readonly #refer: Refer
  readonly #around = new Set<object>()

  constructor(refer: Refer) {
    this.#refer = refer
  }

  /** The text; undefined for a value that JSON leaves out. */
  text(value: unknown, where: string, key: string): string | undefined {
    // Where a value is a proxy, any look at it runs the caller's code.
    return read(where, key, () => {
      if (value instanceof Reference) return JSON.stringify(this.#refer(value, where))
      if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer) {
        throw refused(where, key, 'is bytes: decode them to text; a file goes as base64')
      }
      return this.#plain(own(value, where, key), where, key)
    })
  }

  #plain(value: unknown, where: string, key: string): string | undefined {
    switch (typeof value) {
      case 'string':
        return JSON.stringify(wellFormed(value, where, key))
      case 'number':
        return exact(value, where, key)
      case 'bigint':
        if (value >= SMALLEST && value <= LARGEST) return String(value)
        throw refused(where, key, 'is a BigInt of more than 64 bits: give it as text')
      case 'boolean':
        return String(value)
      case 'undefined':
        return undefined
      case 'object':
        return value === null ? 'null' : this.#inside(value, where, key)
      default:
        throw refused(where, key, `is ${nameOf(value)}, which JSON cannot hold`)
    }
  }

  #inside(value: object, where: string, key: string): string {
    const hollow = HOLLOW.find((kind) => value instanceof kind)
    if (hollow) throw refused(where, key, `is of the class ${hollow.name}, which JSON cannot hold`)
    if (this.#around.has(value)) throw refused(where, key, 'contains itself')
    if (this.#around.size > DEEPEST) {
      const place = `${where.slice(0, LONGEST_PLACE)}…`
      throw refused(place, key, `is nested too deeply: ${DEEPEST} levels are the most`)
    }
    this.#around.add(value)
    const text = Array.isArray(value) ? this.#list(value, where) : this.#object(value, where)
    this.#around.delete(value)
    return text
  }

  #list(items: readonly unknown[], where: string): string {
    const texts = Array.from(items, (item, index) => {
      const text = this.text(item, `${where}[${index}]`, String(index))
      if (text !== undefined) return text
      throw refused(`${where}[${index}]`, String(index), 'is undefined, which a list cannot hold')
    })
    return `[${texts.join(',')}]`
  }

  #object(fields: object, where: string): string {
    const texts: string[] = []
    for (const key of Object.keys(fields)) {
      wellFormed(key, `a key of ${where}`, key)
      const place = where + step(key)
      const item = read(place, key, () => (fields as Record<string, unknown>)[key])
      const text = this.text(item, place, key)
      if (text !== undefined) texts.push(`${JSON.stringify(key)}:${text}`)
    }
    return `{${texts.join(',')}}`
  }
}

/** A number that means what it says. */
function exact(value: number, where: string, key: string): string {
  if (!Number.isFinite(value)) throw refused(where, key, `is ${value}, which JSON cannot hold`)
  if (Number.isInteger(value) && !Number.isSafeInteger(value)) {
    throw refused(
      where,
      key,
      `is ${value}, beyond the whole numbers that a number holds exactly: give a BigInt or text`,
    )
  }
  return String(value)
}

/** What a value makes of itself for JSON, and what a boxed one holds. */
function own(value: unknown, where: string, key: string): unknown {
  if (typeof value !== 'object' || value === null) return value
  if (value instanceof Number) return Number(value)
  if (value instanceof String) return String(value)
  if (value instanceof Boolean || value instanceof BigInt || value instanceof Symbol) {
    return value.valueOf()
  }
  const it = value as { toJSON?: unknown; valueOf?: unknown }
  if (typeof it.toJSON !== 'function') return value
  const made: unknown = it.toJSON(key)
  // So a date says that it is none: Date itself, and the classes that follow it.
  if (made === null && typeof it.valueOf === 'function' && Number.isNaN(it.valueOf())) {
    throw refused(where, key, 'is an invalid date, which JSON would hold as null')
  }
  return made
}

/** Runs the caller's own code; what that throws stays reachable. */
function read<Value>(where: string, key: string, work: () => Value): Value {
  try {
    return work()
  } catch (thrown) {
    if (thrown instanceof InvalidInputError) throw thrown
    throw refused(where, key, 'cannot be written as JSON', thrown)
  }
}

function wellFormed(text: string, where: string, key: string): string {
  if (!/\p{Surrogate}/u.test(text)) return text
  throw refused(where, /\p{Surrogate}/u.test(key) ? '' : key, 'is not valid Unicode')
}

/** How a place goes on below a key. */
function step(key: string): string {
  const short = key.length > LONGEST_KEY ? `${key.slice(0, LONGEST_KEY)}…` : key
  return /^[A-Za-z_$][\w$]*$/.test(short) ? `.${short}` : `[${JSON.stringify(short)}]`
}

function refused(where: string, key: string, what: string, cause?: unknown): InvalidInputError {
  const short = key.slice(0, LONGEST_KEY)
  return invalid('params', `${where} ${what}`, {
    key: short,
    ...(cause === undefined ? {} : { cause }),
  })
}

function outOfPlace(_reference: Reference, where: string): never {
  throw invalid('params', `${where} is a reference, which only a batch can hold`)
}
