// Makes the three files that people import, out of source/. `node build.mjs` writes them.
import { createHash } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { inlined } from '../inline.mjs'
import { errors } from './source/errors.mjs'
import { newLead } from './source/lead.mjs'
import { oauth } from './source/oauth.mjs'

const sources = new URL('./source/code/', import.meta.url)
export const files = {
  'bitrix24-oauth.json': oauth,
  'bitrix24-oauth-errors.json': errors,
  'create-a-new-lead.json': newLead,
}

/** Ids stay the same from build to build. */
const idOf = (workflow, name) => {
  const hex = createHash('sha256').update(`${workflow}/${name}`).digest('hex')
  return [
    hex.slice(0, 8),
    hex.slice(8, 12),
    `4${hex.slice(13, 16)}`,
    `8${hex.slice(17, 20)}`,
    hex.slice(20, 32),
  ].join('-')
}

/** A node of source/, with its code put in. */
async function finished(node) {
  if (!node.source) return node
  const url = new URL(`${node.source}.js`, sources)
  const { name, notes } = await import(url)
  return {
    name,
    type: 'n8n-nodes-base.code',
    typeVersion: 2,
    position: node.position,
    parameters: { jsCode: inlined(url) },
    notes,
  }
}

/** n8n wants the full shape of every connection. */
function connections(wires, names) {
  const entries = Object.entries(wires).map(([from, outputs]) => {
    for (const name of [from, ...outputs])
      if (!names.has(name)) throw new Error(`a wire names "${name}", which is no node`)
    return [from, { main: outputs.map((node) => [{ node, type: 'main', index: 0 }]) }]
  })
  return Object.fromEntries(entries)
}

/** One workflow as the text of its file. */
export async function build(file) {
  const { wires, nodes, ...workflow } = files[file]
  const all = await Promise.all(nodes.map(finished))
  const names = new Set(all.map(({ name }) => name))
  if (names.size !== all.length) throw new Error(`${file}: two nodes have the same name`)
  const whole = {
    ...workflow,
    nodes: all.map(({ notes, ...node }) => ({
      id: idOf(workflow.id, node.name),
      ...node,
      ...(notes && { notes, notesInFlow: true }),
    })),
    connections: connections(wires, names),
  }
  return `${JSON.stringify(whole, null, 2)}\n`
}

if (process.argv[1] === fileURLToPath(import.meta.url))
  for (const file of Object.keys(files))
    writeFileSync(new URL(file, import.meta.url), await build(file))
