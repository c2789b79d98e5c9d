// Patterns of the scenarios: what must be in a value, not what may be besides.

const OPERATORS = {
  $contains: (wanted, value) => typeof value === 'string' && value.includes(wanted),
  $min_length: (wanted, value) => typeof value === 'string' && [...value].length >= wanted,
  $min: (wanted, value) => typeof value === 'number' && value >= wanted,
  $not: (wanted, value) => mismatch(wanted, value) !== undefined,
}

/** Says where `value` does not match `pattern`; `undefined` where it does. */
export function mismatch(pattern, value, path = '') {
  const differs = () =>
    `${path || 'value'}: want ${JSON.stringify(pattern)}, got ${JSON.stringify(value)}`
  if (pattern === '$any') return undefined
  if (Array.isArray(pattern)) {
    if (!Array.isArray(value) || value.length !== pattern.length) return differs()
    return first(pattern, (wanted, index) => mismatch(wanted, value[index], `${path}[${index}]`))
  }
  if (pattern === null || typeof pattern !== 'object') {
    return pattern === (value ?? null) ? undefined : differs()
  }
  const [name] = Object.keys(pattern)
  if (name !== undefined && Object.hasOwn(OPERATORS, name)) {
    return OPERATORS[name](pattern[name], value) ? undefined : differs()
  }
  return first(Object.entries(pattern), ([key, wanted]) => {
    const got = value?.[key]
    // A counter that never counted is not there.
    if (wanted === 0 && (got ?? null) === null) return undefined
    return mismatch(wanted, got, `${path}.${key}`)
  })
}

function first(items, find) {
  for (const [index, item] of items.entries()) {
    const found = find(item, index)
    if (found !== undefined) return found
  }
  return undefined
}
