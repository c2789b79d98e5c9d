// Makes bitrix24-oauth.json, the file that people import, out of source/. `node build.mjs` writes it.
import { writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { inlined } from '../inline.mjs'
import { flow } from './source/flow.mjs'

const sources = new URL('./source/nodes/', import.meta.url)
export const target = new URL('./bitrix24-oauth.json', import.meta.url)

/** The whole flow as text. */
export async function build() {
  const nodes = []
  for (const { source, ...node } of flow) {
    if (!source) {
      nodes.push(node)
      continue
    }
    const module = await import(new URL(`${source}.js`, sources))
    const outputs = node.wires.length
    if ((module.outputs?.length ?? 1) !== outputs)
      throw new Error(
        `${source}.js names ${module.outputs?.length} outputs, flow.mjs wires ${outputs}`,
      )
    nodes.push({
      ...node,
      type: 'function',
      name: node.name ?? module.name,
      func: inlined(new URL(`${source}.js`, sources)),
      outputs,
      timeout: 0,
      noerr: 0,
      initialize: module.initialize ?? '',
      finalize: '',
      libs: module.libs ?? [],
      info: module.info,
      outputLabels: module.outputs ?? [],
    })
  }
  return `${JSON.stringify(nodes, null, 2)}\n`
}

if (process.argv[1] === fileURLToPath(import.meta.url)) writeFileSync(target, await build())
