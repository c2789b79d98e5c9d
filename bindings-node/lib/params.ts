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

/** Parameters as JSON text; `where` is how an error names them. */
export function json(params: unknown, where = 'params', refer: Refer = outOfPlace): string {
  if (params === undefined || params === null) return 'null'
  if (typeof params !== 'object') {
    throw invalid('params', `${where} must be an object or a list, not ${nameOf(params)}`)
  }
  const copy = new Copy(refer).of(params, where, '')
  if (typeof copy !== 'object' || copy === null) {
    throw invalid(
      'params',
      `${where} must be an object or a list, and makes itself ${nameOf(copy)}`,
    )
  }
  return JSON.stringify(copy)
}

/** Copies values, so that each is looked at once, whatever it does when it is. */
class Copy {
  readonly #refer: Refer
  readonly #around = new Set<object>()

  constructor(refer: Refer) {
    this.#refer = refer
  }

  of(value: unknown, where: string, key: string): unknown {
    if (value instanceof Reference) return this.#refer(value, where)
    if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer) {
      throw refused(where, key, 'is bytes: decode them to text; a file goes as base64')
    }
    const plain = own(value, where, key)
    switch (typeof plain) {
      case 'string':
        return wellFormed(plain, where, key)
      case 'number':
        if (Number.isFinite(plain)) return plain
        throw refused(where, key, `is ${plain}, which JSON cannot hold`)
      case 'boolean':
      case 'undefined':
        return plain
      case 'object':
        return plain === null ? null : this.#inside(plain, where, key)
      default:
        throw refused(where, key, `is ${nameOf(plain)}, which JSON cannot hold`)
    }
  }

  #inside(value: object, where: string, key: string): unknown {
    if (value instanceof Map || value instanceof Set) {
      throw refused(where, key, `is ${nameOf(value)}, which JSON cannot hold`)
    }
    if (this.#around.has(value)) throw refused(where, key, 'contains itself')
    if (this.#around.size > DEEPEST) {
      const place = `${where.slice(0, LONGEST_PLACE)}…`
      throw refused(place, key, `is nested too deeply: ${DEEPEST} levels are the most`)
    }
    this.#around.add(value)
    const copy = Array.isArray(value) ? this.#list(value, where) : this.#object(value, where)
    this.#around.delete(value)
    return copy
  }

  #list(items: readonly unknown[], where: string): unknown[] {
    return Array.from(items, (item, index) => {
      const copy = this.of(item, `${where}[${index}]`, String(index))
      if (copy !== undefined) return copy
      throw refused(`${where}[${index}]`, String(index), 'is undefined, which a list cannot hold')
    })
  }

  #object(fields: object, where: string): object {
    // Without a prototype: no key has a meaning of its own.
    const copy = Object.create(null) as Record<string, unknown>
    for (const key of Object.keys(fields)) {
      wellFormed(key, `a key of ${where}`, key)
      const place = where + step(key)
      const item = read(place, key, () => (fields as Record<string, unknown>)[key])
      copy[key] = this.of(item, place, key)
    }
    return copy
  }
}

/** What a value makes of itself for JSON, and what a boxed one holds. */
function own(value: unknown, where: string, key: string): unknown {
  if (typeof value !== 'object' || value === null) return value
  if (value instanceof Number) return Number(value)
  if (value instanceof String) return String(value)
  if (value instanceof Boolean) return value.valueOf()
  return read(where, key, () => {
    const { toJSON } = value as { toJSON?: unknown }
    return typeof toJSON === 'function' ? (toJSON.call(value, key) as unknown) : value
  })
}

/** Runs the caller's own code; what that throws stays reachable. */
function read(where: string, key: string, work: () => unknown): unknown {
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
