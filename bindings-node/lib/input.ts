/** What callers hand in: checked here, because JavaScript does not, and named when it cannot be used. */

import { InvalidInputError } from './errors.js'

/** An error about the value that callers know as `field`. */
export function invalid(field: string, message: string, more?: { cause?: unknown; key?: string }) {
  const { key, ...cause } = more ?? {}
  return new InvalidInputError({
    kind: 'invalid_input',
    message: `${message} (field ${field}${key ? `, key ${key}` : ''})`,
    context: { field, ...(key ? { key } : {}) },
    ...cause,
  })
}

/** Reads what a caller gave. Code of the caller's may run: what that throws stays reachable. */
export function reading<Value>(field: string, read: () => Value): Value {
  try {
    return read()
  } catch (thrown) {
    if (thrown instanceof InvalidInputError) throw thrown
    throw invalid(field, `${field} cannot be read`, { cause: thrown })
  }
}

/** A string. Never quotes what it got instead: it may be a secret in the wrong place. */
export function text(value: unknown, field: string): string {
  if (typeof value === 'string') return value
  throw invalid(field, `${field} must be a string, not ${nameOf(value)}`)
}

/** A number that counts something: grants, seconds, generations. */
export function count(value: unknown, field: string): number {
  if (Number.isSafeInteger(value) && (value as number) >= 0) return value as number
  const what = typeof value === 'number' ? String(value) : nameOf(value)
  throw invalid(field, `${field} must be a whole number, not ${what}`)
}

/** As {@link count}, no larger than a limit can be. */
export function uint32(value: unknown, field: string): number {
  const number = count(value, field)
  if (number <= 0xffff_ffff) return number
  throw invalid(field, `${field} is too large: ${number}`)
}

/** A number of seconds, whole or not. */
export function seconds(value: unknown, field: string): number {
  if (typeof value === 'number' && value >= 0 && Number.isFinite(value)) return value
  const what = typeof value === 'number' ? String(value) : nameOf(value)
  throw invalid(field, `${field} must be a number of seconds, not ${what}`)
}

/** A function. */
export function callable(value: unknown, field: string): (given: unknown) => unknown {
  if (typeof value === 'function') return value as (given: unknown) => unknown
  throw invalid(field, `${field} must be a function, not ${nameOf(value)}`)
}

/** `undefined` or null stays undefined, anything else is read by `read`. */
export function optional<Value>(
  value: unknown,
  field: string,
  read: (value: unknown, field: string) => Value,
): Value | undefined {
  return value === undefined || value === null ? undefined : read(value, field)
}

/** True or false. */
export function flag(value: unknown, field: string): boolean {
  if (typeof value === 'boolean') return value
  throw invalid(field, `${field} must be true or false, not ${nameOf(value)}`)
}

/** A list of strings. */
export function texts(value: unknown, field: string): string[] {
  if (Array.isArray(value)) return value.map((item) => text(item, field))
  throw invalid(field, `${field} must be a list of strings, not ${nameOf(value)}`)
}

/** An object of options with no names but `known`: a misspelt option would be ignored silently. */
export function options<Known extends string>(
  value: unknown,
  known: readonly Known[],
): Partial<Record<Known, unknown>> {
  if (value === undefined || value === null) return {}
  return reading('options', () => {
    if (typeof value !== 'object' || Array.isArray(value)) {
      throw invalid('options', `options must be an object, not ${nameOf(value)}`)
    }
    const stranger = Object.keys(value).find((name) => !(known as readonly string[]).includes(name))
    if (stranger !== undefined) {
      throw invalid(stranger, `there is no option ${stranger}; known are ${known.join(', ')}`)
    }
    const given = value as Record<Known, unknown>
    return Object.fromEntries(known.map((name) => [name, given[name]])) as Record<Known, unknown>
  })
}

/** Ids as JSON text, given as numbers or in the portal's own way of writing them. */
export function ids(value: unknown): string {
  return reading('ids', () => {
    if (typeof value !== 'object' || value === null || !(Symbol.iterator in value)) {
      throw invalid('ids', `ids must be a list of numbers, not ${nameOf(value)}`)
    }
    const read = Array.from(value as Iterable<unknown>, (id, index) => {
      const number = typeof id === 'string' && /^\d{1,16}$/.test(id) ? Number(id) : id
      if (Number.isSafeInteger(number) && (number as number) >= 0) return number
      throw invalid('ids', `ids[${index}] is not an id`)
    })
    return JSON.stringify(read)
  })
}

/** The fields that are there. */
export function present<Fields extends object>(
  fields: Fields,
): { [Name in keyof Fields]?: Exclude<Fields[Name], undefined> } {
  const entries = Object.entries(fields).filter(([, value]) => value !== undefined)
  return Object.fromEntries(entries) as {
    [Name in keyof Fields]?: Exclude<Fields[Name], undefined>
  }
}

/** What a value is, without its content: it may be a secret in the wrong place. */
export function nameOf(value: unknown): string {
  if (value === null) return 'null'
  switch (typeof value) {
    case 'undefined':
      return 'undefined'
    case 'object':
      return nameOfObject(value)
    case 'bigint':
      return 'a BigInt'
    default:
      return `a ${typeof value}`
  }
}

function nameOfObject(value: object): string {
  try {
    if (Array.isArray(value)) return 'a list'
    if (value instanceof Map) return 'a Map'
    if (value instanceof Set) return 'a Set'
  } catch {
    // A proxy that will not be looked at.
  }
  return 'an object'
}
