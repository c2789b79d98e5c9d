// A function node of a workflow tool is one piece of text: this makes it out of a module and what that imports.
import { readFileSync } from 'node:fs'

/** What a module imports: the names, and the path they come from. */
function importsOf(text) {
  return [...text.matchAll(/^import \{ (.*) \} from ['"](.*)['"];?$/gm)].map(([, names, path]) => ({
    names: names.split(', '),
    path,
  }))
}

/** The functions of a shared module and of those that it imports, by name: their text with its comment. */
function functionsOf(path, base) {
  const url = new URL(path, base)
  const text = readFileSync(url, 'utf8')
  const imported = importsOf(text).flatMap((other) => [...functionsOf(other.path, url)])
  const each =
    /^(?:\/\*\*\n(?: \*.*\n)+|\/\*\* .*\n)export ((?:async )?function (\w+)[\s\S]*?^\})$/gm
  const own = [...text.matchAll(each)]
  return new Map([
    ...imported,
    ...own.map(([whole, , name]) => [name, whole.replace(/^export /m, '')]),
  ])
}

/** The wanted functions and those that they call. */
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
  const helpers = importsOf(text).flatMap(({ names, path }) =>
    withCallees(names, functionsOf(path, url)),
  )
  return [main[1].replace(/^ {2}/gm, ''), ...new Set(helpers)].join('\n\n')
}
