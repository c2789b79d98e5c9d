// Draws a process as SVG: a box per node where the layout puts it. Lines lead to neighbours; longer ways are named in the box by number.
import { places } from './export.mjs'

const cell = { width: 300, gap: 60, rowGap: 46 }
const margin = 24
const colours = {
  start: ['#e8f5e9', '#2e7d32'],
  end: ['#e8f5e9', '#2e7d32'],
  failed: ['#fdecea', '#c62828'],
  state: ['#e3f2fd', '#1565c0'],
  wait: ['#fff8e1', '#b26a00'],
  post: ['#ede7f6', '#5e35b1'],
  copy: ['#ede7f6', '#5e35b1'],
  call: ['#fce4ec', '#ad1457'],
  reply: ['#ede7f6', '#5e35b1'],
  choose: ['#ffffff', '#616161'],
  set: ['#f5f5f5', '#616161'],
}
const kinds = {
  start: 'start',
  end: 'end',
  state: 'state: rests until changed',
  wait: 'delay',
  post: 'API call',
  copy: 'copy or modify a task',
  call: 'call a process',
  reply: 'reply to the caller',
  choose: 'condition',
  set: 'set parameters',
}

const escaped = (text) =>
  text.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;').replace(/"/g, '&quot;')

/** Breaks text at spaces into lines of at most so many characters. */
function wrapped(text, most) {
  const lines = ['']
  for (const word of text.split(' ')) {
    const longer = lines.at(-1) ? `${lines.at(-1)} ${word}` : word
    if (longer.length <= most) lines[lines.length - 1] = longer
    else lines.push(word)
  }
  return lines
}

const timerText = ({ seconds, until }) =>
  until ? `at ${until.replace(/[{}]/g, '')}` : `${seconds} s`

/** The ways out of a node: why, and where to. Cases with the same target are one way. */
function exits(node) {
  const ways = []
  const add = (why, to) => {
    if (!ways.some((way) => way.why === why && way.to === to)) ways.push({ why, to })
  }
  for (const { next, tests } of node.cases ?? []) add(tests.map(testText).join(', '), next)
  if (node.otherwise) add('else', node.otherwise)
  if (node.next) add('', node.next)
  if (node.timer) add(timerText(node.timer), node.timer.next)
  if (node.error) add('error', node.error)
  return merged(ways)
}

function merged(ways) {
  const byTarget = new Map()
  for (const { why, to } of ways) {
    if (!byTarget.has(to)) byTarget.set(to, [])
    byTarget.get(to).push(why)
  }
  return [...byTarget].map(([to, whys]) => ({
    to,
    why: whys.includes('') ? '' : shortened(whys),
  }))
}

const shortened = (whys) => (whys.length > 3 ? `${whys[0]} … or ${whys.at(-1)}` : whys.join(' or '))

const signs = { eq: '=', not_eq: '≠', less: '<', less_or_eq: '≤', more_or_eq: '≥', regexp: 'like' }

function testText({ param, fun, const: value }) {
  const name = param.replace(/[{}]/g, '')
  const short = name.replace(/^.*(?:return|debug).*?(tag|error|code)_*$/, '$1')
  const word = /^\(\^\| \)\(([^|)]+)/.exec(value)
  if (word) return `${short} says ${word[1]}`
  if (fun === 'regexp') return `${short} fits`
  if (value === '') return fun === 'eq' ? `no ${short}` : short
  return `${short} ${signs[fun]} ${value.replace(/[{}]/g, '')}`
}

/** The process as an SVG picture. */
export function drawing(process) {
  const placed = places(process)
  const names = [...placed.keys()]
  const numberOf = new Map(names.map((name, n) => [name, n + 1]))
  const boxes = new Map()
  for (const name of names) {
    const node = process.nodes[name]
    const title = wrapped(`${numberOf.get(name)}  ${node.title}`, 33)
    const ways = exits(node).flatMap(({ why, to }) =>
      wrapped(`${why ? `${why} → ` : '→ '}${numberOf.get(to)} ${process.nodes[to].title}`, 42).map(
        (words, n) => ({ words, indent: n > 0 }),
      ),
    )
    const height = 16 + title.length * 18 + 15 + ways.length * 15 + 8
    boxes.set(name, { node, title, ways, height, ...placed.get(name) })
  }
  const rows = process.layout.map((line) =>
    Math.max(40, ...line.filter(Boolean).map((name) => boxes.get(name).height)),
  )
  const top = []
  rows.reduce((y, height, row) => {
    top[row] = y
    return y + height + cell.rowGap
  }, margin + 40)
  for (const box of boxes.values()) {
    box.x = margin + box.col * (cell.width + cell.gap)
    box.y = top[box.row]
  }
  const width = Math.max(...[...boxes.values()].map(({ x }) => x)) + cell.width + margin
  const height = top.at(-1) + rows.at(-1) + margin
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" font-family="system-ui, 'DejaVu Sans', sans-serif">`,
    '<defs><marker id="tip" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="8" markerHeight="8" orient="auto-start-reverse"><path d="M0 0 10 5 0 10z" fill="#616161"/></marker></defs>',
    `<rect width="${width}" height="${height}" fill="#ffffff"/>`,
    `<text x="${margin}" y="${margin + 14}" font-size="20" font-weight="bold">${escaped(process.title)}</text>`,
    ...lines(process, boxes),
    ...[...boxes.values()].map(boxOf),
    '</svg>',
    '',
  ].join('\n')
}

function boxOf({ node, title, ways, x, y, height }) {
  const [fill, stroke] = colours[node.failed ? 'failed' : node.kind]
  const radius = node.kind === 'start' || node.kind === 'end' ? 18 : 4
  const text = (words, dy, style, dx = 12) =>
    `<text x="${x + dx}" y="${y + dy}" ${style}>${escaped(words)}</text>`
  const small = 'font-size="11.5" fill="#424242"'
  const kindAt = 22 + title.length * 18
  return [
    `<rect x="${x}" y="${y}" width="${cell.width}" height="${height}" rx="${radius}" fill="${fill}" stroke="${stroke}" stroke-width="1.5"/>`,
    ...title.map((words, n) => text(words, 22 + n * 18, 'font-size="14" font-weight="bold"')),
    text(kinds[node.kind], kindAt - 2, `font-size="11.5" font-style="italic" fill="${stroke}"`),
    ...ways.map(({ words, indent }, n) =>
      text(words, kindAt + 14 + n * 15, small, indent ? 24 : 12),
    ),
  ].join('\n')
}

/** Lines to the next box below, and to the box beside. */
function lines(process, boxes) {
  const found = []
  for (const box of boxes.values()) {
    for (const { to } of exits(process.nodes[nameOf(box, boxes)])) {
      const other = boxes.get(to)
      if (other.col === box.col && other.row === box.row + 1) {
        const x = box.x + cell.width / 2
        found.push(line(x, box.y + box.height, x, other.y))
      } else if (other.col === box.col && other.row === box.row - 1) {
        const x = box.x + cell.width / 2 + 40
        found.push(line(x, box.y, x, other.y + other.height))
      } else if (other.row === box.row && Math.abs(other.col - box.col) === 1) {
        const y = box.y + (other.col > box.col ? 30 : 46)
        if (other.col > box.col) found.push(line(box.x + cell.width, y, other.x, y))
        else found.push(line(box.x, y, other.x + cell.width, y))
      }
    }
  }
  return found
}

const nameOf = (box, boxes) => [...boxes].find(([, other]) => other === box)[0]
const line = (x1, y1, x2, y2) =>
  `<line x1="${x1}" y1="${y1}" x2="${x2}" y2="${y2}" stroke="#616161" stroke-width="1.5" marker-end="url(#tip)"/>`
