// Draws a process as SVG: a box per node where the layout puts it. A way to a neighbour is a line, a longer one ends in
// the number of the node where it goes on. Error ways are dashed and red.
import { places } from './export.mjs'
import { ways } from './ways.mjs'

const cell = { width: 310, gap: 84, rowGap: 46 }
const margin = 24
const lead = 76
const rowHeight = 16
const ink = { way: '#616161', error: '#c62828', text: '#424242' }
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

/** The process as an SVG picture. */
export function drawing(process) {
  const boxes = placed(process, boxesOf(process))
  const all = [...boxes.values()]
  const width = Math.max(880, ...all.map(({ x }) => x + cell.width + cell.gap / 2 + margin))
  const height = Math.max(...all.map(({ y, height }) => y + height)) + margin
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" font-family="system-ui, 'DejaVu Sans', sans-serif">`,
    `<defs>${tip('way')}${tip('error')}</defs>`,
    `<rect width="${width}" height="${height}" fill="#ffffff"/>`,
    `<text x="${margin}" y="${margin + 14}" font-size="20" font-weight="bold">${escaped(process.title)}</text>`,
    ...legend(),
    ...all.flatMap((box) => drawnWays(box, boxes)),
    ...all.map(drawnBox),
    '</svg>',
    '',
  ].join('\n')
}

/** What stands in each box, and how high that makes it. */
function boxesOf(process) {
  const spots = places(process)
  const numberOf = new Map([...spots.keys()].map((name, n) => [name, n + 1]))
  const boxes = new Map()
  for (const [name, spot] of spots) {
    const node = process.nodes[name]
    const title = wrapped(`${numberOf.get(name)}  ${node.title}`, 33)
    let y = 16 + title.length * 18 + 20
    const rows = ways(node).map((way) => {
      const why = way.whys.filter(Boolean).join(' or ')
      const target = `→ ${numberOf.get(way.to)} ${process.nodes[way.to].title}`
      const words = wrapped(why ? `${why} ${target}` : target, 42)
      const at = y
      y += words.length * rowHeight
      return { ...way, words, at, number: numberOf.get(way.to) }
    })
    boxes.set(name, { name, node, title, rows, height: y - 4, ...spot })
  }
  return boxes
}

/** Where each box stands; one that a line comes to from the side is high enough for it. */
function placed(process, boxes) {
  const at = (row, col) => boxes.get(process.layout[row]?.[col])
  for (const box of boxes.values())
    for (const { to, at: y } of box.rows) {
      const other = boxes.get(to)
      if (isBeside(box, other)) other.height = Math.max(other.height, y + 10)
    }
  let y = margin + lead
  process.layout.forEach((names, row) => {
    const line = names.map((_, col) => at(row, col)).filter(Boolean)
    for (const box of line) {
      box.x = margin + box.col * (cell.width + cell.gap)
      box.y = y
    }
    y += Math.max(40, ...line.map(({ height }) => height)) + cell.rowGap
  })
  return boxes
}

const isBeside = (box, other) => other.row === box.row && Math.abs(other.col - box.col) === 1
const isAbove = (box, other) => other.col === box.col && other.row === box.row - 1
const isBelow = (box, other) => other.col === box.col && other.row === box.row + 1

/** Every way out of a box: a line to the neighbour, or a short one to a number. */
function drawnWays(box, boxes) {
  const taken = []
  return box.rows.map((row) => {
    const other = boxes.get(row.to)
    const { x, y } = box
    const right = x + cell.width
    const level = y + row.at - 4
    if (isBelow(box, other)) {
      const down = x + cell.width / 2 + (row.error ? -40 : 0)
      return line(box, row, [down, y + box.height, down, other.y])
    }
    if (isAbove(box, other)) {
      const up = x + cell.width / 2 + (row.error ? 80 : 40)
      return line(box, row, [up, y, up, other.y + other.height])
    }
    if (isBeside(box, other) && other.col > box.col)
      return line(box, row, [right, level, other.x, level])
    if (isBeside(box, other)) {
      const free = freeLevel(level, box, other, taken)
      taken.push(free)
      return line(box, row, [x, free, other.x + cell.width, free])
    }
    return [
      line(box, row, [right, level, right + 18, level]),
      numbered(right + 18, level, row),
    ].join('\n')
  })
}

/** A level for a line to the left that meets nothing that leaves the left box, and no line beside it. */
function freeLevel(wanted, box, other, beside) {
  const taken = [...beside, ...other.rows.map(({ at }) => other.y + at - 4)]
  const isFree = (level) => taken.every((one) => Math.abs(one - level) > 10)
  const end = Math.min(box.height, other.height)
  const levels = Array.from({ length: end - 16 }, (_, n) => box.y + 8 + n).filter(isFree)
  const near = levels.sort((a, b) => Math.abs(a - wanted) - Math.abs(b - wanted))
  return near[0] ?? wanted
}

const kindOf = ({ error }) => (error ? 'error' : 'way')

function line({ name }, row, [x1, y1, x2, y2]) {
  const kind = kindOf(row)
  return `<line data-from="${name}" data-to="${row.to}" class="${kind}" x1="${x1}" y1="${y1}" x2="${x2}" y2="${y2}" ${stroke(kind)}/>`
}
const stroke = (kind) =>
  `stroke="${ink[kind]}" stroke-width="1.5"${kind === 'error' ? ' stroke-dasharray="5 3"' : ''} marker-end="url(#${kind})"`
const tip = (kind) =>
  `<marker id="${kind}" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="8" markerHeight="8" orient="auto-start-reverse"><path d="M0 0 10 5 0 10z" fill="${ink[kind]}"/></marker>`

/** The number of the node where a way goes on. */
function numbered(x, y, row) {
  const colour = ink[kindOf(row)]
  return [
    `<ellipse cx="${x + 13}" cy="${y}" rx="13" ry="7" fill="#ffffff" stroke="${colour}"/>`,
    `<text x="${x + 13}" y="${y + 3.5}" font-size="10" text-anchor="middle" fill="${colour}">${row.number}</text>`,
  ].join('\n')
}

function legend() {
  const y = margin + 40
  const said = (x, words) =>
    `<text x="${x}" y="${y + 4}" font-size="11.5" fill="${ink.text}">${words}</text>`
  const sample = (x, kind) => `<line x1="${x}" y1="${y}" x2="${x + 40}" y2="${y}" ${stroke(kind)}/>`
  return [
    sample(margin, 'way'),
    said(margin + 48, 'where a task goes'),
    sample(margin + 190, 'error'),
    said(margin + 238, 'where it goes when the node itself fails'),
    sample(margin + 516, 'way'),
    numbered(margin + 556, y, { number: 7 }),
    said(margin + 592, 'it goes on at the node with this number'),
  ]
}

function drawnBox({ node, title, rows, x, y, height }) {
  const [fill, border] = colours[node.failed ? 'failed' : node.kind]
  const radius = node.kind === 'start' || node.kind === 'end' ? 18 : 4
  const text = (words, dy, style, dx = 12) =>
    `<text x="${x + dx}" y="${y + dy}" ${style}>${escaped(words)}</text>`
  const small = (error) => `font-size="11.5" fill="${error ? ink.error : ink.text}"`
  return [
    `<rect class="node" x="${x}" y="${y}" width="${cell.width}" height="${height}" rx="${radius}" fill="${fill}" stroke="${border}" stroke-width="1.5"/>`,
    ...title.map((words, n) => text(words, 22 + n * 18, 'font-size="14" font-weight="bold"')),
    text(
      kinds[node.kind],
      20 + title.length * 18,
      `font-size="11.5" font-style="italic" fill="${border}"`,
    ),
    ...rows.flatMap(({ words, at, error }) =>
      words.map((one, n) => text(one, at + n * rowHeight, small(error), n ? 24 : 12)),
    ),
  ].join('\n')
}
