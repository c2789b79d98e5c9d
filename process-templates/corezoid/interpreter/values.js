// Substitution, functions and casts: what Corezoid does with a text field before a logic uses it.

export class ConvertError extends Error {}

/**
 * Replaces every {{...}}, the innermost first. A text that is nothing but one construct keeps the value's own type.
 * What was put in is not looked through again.
 * @param {unknown} text
 * @param {(path: string) => unknown} look
 */
export function fill(text, look) {
  if (typeof text !== 'string') return text
  const { parts, end } = parse(text, 0, look, false)
  if (end < text.length) return text
  if (parts.length === 1) return parts[0]
  return parts.map(asText).join('')
}

function parse(text, from, look, inside) {
  const parts = []
  let plain = ''
  let at = from
  while (at < text.length) {
    if (text.startsWith('{{', at)) {
      const inner = parse(text, at + 2, look, true)
      if (plain) parts.push(plain)
      plain = ''
      parts.push(look(inner.parts.map(asText).join('')))
      at = inner.end
    } else if (inside && text.startsWith('}}', at)) {
      if (plain) parts.push(plain)
      return { parts, end: at + 2 }
    } else {
      plain += text[at]
      at += 1
    }
  }
  if (inside) throw new ConvertError(`{{ without }} in ${text}`)
  if (plain || parts.length === 0) parts.push(plain)
  return { parts, end: at }
}

export function asText(value) {
  if (value === undefined || value === null || Array.isArray(value)) return ''
  return typeof value === 'object' ? JSON.stringify(value) : String(value)
}

/** Follows a dotted path with [n] into an object. */
export function follow(data, path) {
  let value = data
  for (const key of path.split(/[.[\]]+/).filter(Boolean)) value = value?.[key]
  return value
}

const operations = {
  '+': (a, b) => a + b,
  '-': (a, b) => a - b,
  '*': (a, b) => a * b,
  '/': (a, b) => a / b,
}
const math = /\$\.math\(\s*(-?\d+(?:\.\d+)?)\s*([-+*/])\s*(-?\d+(?:\.\d+)?)\s*\)/

/** The functions that a set_param may use: $.unixtime() and $.math(a op b). */
export function functions(value, now) {
  if (typeof value !== 'string' || !value.includes('$.')) return value
  let text = value.replaceAll('$.unixtime()', String(now))
  while (math.test(text)) text = text.replace(math, (_, a, op, b) => String(operations[op](+a, +b)))
  if (/\$\.(math|unixtime|date|random)\(/.test(text))
    throw new ConvertError(`cannot work out ${text}`)
  return text
}

/** @param {string} type string, number, boolean, object or array */
export function cast(value, type) {
  if (type === 'string') return asText(value)
  if (type === 'number') {
    const text = asText(value).trim()
    if (text === '' || !Number.isFinite(Number(text))) throw new ConvertError('not a number')
    return Number(Number(text).toFixed(6))
  }
  if (type === 'boolean') {
    if (String(value) === 'true') return true
    if (String(value) === 'false') return false
    throw new ConvertError('not a boolean')
  }
  try {
    return typeof value === 'string' ? JSON.parse(value) : value
  } catch {
    throw new ConvertError(`not an ${type}`)
  }
}

/** One comparison of a condition. */
export function holds({ param, fun, const: constant, cast: type }, look) {
  const left = fill(param.includes('{{') ? param : `{{${param}}}`, look)
  const right = fill(constant, look)
  if (fun === 'regexp') return new RegExp(asText(right)).test(asText(left))
  let pair
  try {
    pair = [cast(left, type), cast(right, type)]
  } catch (error) {
    if (error instanceof ConvertError) return fun === 'not_eq'
    throw error
  }
  const [a, b] = pair
  switch (fun) {
    case 'eq':
      return a === b
    case 'not_eq':
      return a !== b
    case 'less':
      return a < b
    case 'more':
      return a > b
    case 'less_or_eq':
      return a <= b
    case 'more_or_eq':
      return a >= b
    default:
      throw new Error(`unknown comparison ${fun}`)
  }
}
