// The ways out of a node, in words: why a task takes each, and where it leads.

const signs = { eq: '=', not_eq: '≠', less: '<', less_or_eq: '≤', more_or_eq: '≥' }

/**
 * Ordinary ways first, the error's last; cases with the same target are one way.
 * @returns {{to: string, whys: string[], error: boolean}[]}
 */
export function ways(node) {
  const byTarget = new Map()
  const add = (why, to) => byTarget.set(to, [...(byTarget.get(to) ?? []), why])
  for (const { next, tests } of node.cases ?? []) add(tests.map(testText).join(', '), next)
  if (node.otherwise) add('else', node.otherwise)
  if (node.next) add('', node.next)
  if (node.timer) add(timerText(node.timer), node.timer.next)
  const ordinary = [...byTarget].map(([to, whys]) => ({ to, whys: [...new Set(whys)] }))
  return [
    ...ordinary.map((way) => ({ ...way, error: false })),
    ...(node.error ? [{ to: node.error, whys: ['error'], error: true }] : []),
  ]
}

const timerText = ({ seconds, until }) =>
  until ? `at ${until.replace(/[{}]/g, '')}` : `after ${seconds} s`

function testText({ param, fun, const: value }) {
  const name = param.replace(/[{}]/g, '')
  const short = name.replace(/^.*(?:return|debug).*?(tag|error|code)_*$/, '$1')
  const word = /^\(\^\| \)\(([^|)]+)/.exec(value)
  if (word) return `${short} says ${word[1]}`
  const exact = /^\^(\w+)\$$/.exec(value)
  if (exact) return `${short} = ${exact[1]}`
  if (fun === 'regexp') return `${short} fits`
  if (value === '') return fun === 'eq' ? `no ${short}` : short
  return `${short} ${signs[fun]} ${value.replace(/[{}]/g, '')}`
}
