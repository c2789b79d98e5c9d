// A function node of a workflow tool is one piece of text: this makes it out of a module and what that imports.
import { readFileSync } from 'node:fs'

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
 * The body of a module's default function, then the helpers it imports. The function's parameters are the names that the
 * tool puts into the sandbox.
 * @param {URL} url
 * @returns {string}
 */
export function inlined(url) {
  const text = readFileSync(url, 'utf8')
  const main = /^export default (?:async )?function \w+\([^)]*\) \{\n([\s\S]*?)\n\}\n/m.exec(text)
  if (!main) throw new Error(`${url}: no default function found`)
  const imports = [...text.matchAll(/^import \{ (.*) \} from ['"](.*)['"];?$/gm)]
  const helpers = imports.flatMap(([, names, path]) =>
    withCallees(names.split(', '), functionsOf(path, url)),
  )
  return [main[1].replace(/^ {2}/gm, ''), ...helpers].join('\n\n')
}
