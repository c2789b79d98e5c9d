// Makes bitrix24-oauth.json, the file that people import, out of source/. `node build.mjs` writes it.
import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { flow } from './source/flow.mjs'

const sources = new URL('./source/nodes/', import.meta.url)
export const target = new URL('./bitrix24-oauth.json', import.meta.url)

/** The functions of a shared module, by name: their text with its comment. */
function functionsOf(path, base) {
  const text = readFileSync(new URL(path, base), 'utf8')
  const each =
    /^(?:\/\*\*\n(?: \*.*\n)+|\/\*\* .*\n)export ((?:async )?function (\w+)[\s\S]*?^\})$/gm
  return new Map(
    [...text.matchAll(each)].map(([whole, , name]) => [name, whole.replace(/^export /m, '')]),
  )
}

/** The wanted functions and those of the same module that they call. */
function withCallees(wanted, functions) {
  const found = new Set()
  const add = (name) => {
    if (found.has(name)) return
    found.add(name)
    for (const other of functions.keys())
      if (new RegExp(`\\b${other}\\(`).test(functions.get(name))) add(other)
  }
  for (const name of wanted) {
    if (!functions.has(name)) throw new Error(`no shared function ${name}`)
    add(name)
  }
  return [...found].map((name) => functions.get(name))
}

/**
 * What Node-RED keeps of a node's module: the body of its default function, then the helpers it imports.
 * The function's parameters are the names that Node-RED puts into the sandbox.
 */
function body(file) {
  const url = new URL(`${file}.js`, sources)
  const text = readFileSync(url, 'utf8')
  const main = /^export default (?:async )?function \w+\([^)]*\) \{\n([\s\S]*)\n\}\n$/m.exec(text)
  if (!main) throw new Error(`${file}.js: no default function found`)
  const imports = [...text.matchAll(/^import \{ (.*) \} from ['"](.*)['"];?$/gm)]
  const helpers = imports.flatMap(([, names, path]) =>
    withCallees(names.split(', '), functionsOf(path, url)),
  )
  return [main[1].replace(/^ {2}/gm, ''), ...helpers].join('\n\n')
}

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
      name: module.name,
      func: body(source),
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
