// Makes the files that people import, and the drawings of the guide, out of source/. `node build.mjs` writes them.
import { mkdirSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { drawing } from './source/format/drawing.mjs'
import { exported } from './source/format/export.mjs'
import { zip } from './source/format/zip.mjs'
import standalone from './source/standalone/folder.mjs'

const variants = { standalone }
const here = new URL('./', import.meta.url)
const drawings = new URL('../../docs/src/corezoid/', import.meta.url)

const json = (value) => `${JSON.stringify(value, null, 2)}\n`

/** A folder's zip holds one file per object, in a directory of the folder's name. */
function zipOf([folder, ...objects]) {
  const name = ({ obj_id, title }) =>
    `${obj_id}_${title.replace(/[^A-Za-z0-9]+/g, '_').replace(/_$/, '')}`
  const directory = `${name(folder)}.folder/`
  return zip([
    [`${directory}${name(folder)}.folder.json`, json(folder)],
    ...objects.map((object) => [`${directory}${name(object)}.conv.json`, json(object)]),
  ])
}

/**
 * Everything that is made.
 * @returns {[file: URL, content: Buffer][]}
 */
export function build() {
  return Object.entries(variants).flatMap(([variant, folder]) => {
    const objects = exported(folder)
    const at = (name) => new URL(`${variant}/${name}`, here)
    return [
      [at('bitrix24-oauth.json'), Buffer.from(json(objects))],
      [at('bitrix24-oauth.zip'), zipOf(objects)],
      ...folder.objects.map((process) => [
        new URL(`${variant}/${process.name}.svg`, drawings),
        Buffer.from(drawing(process)),
      ]),
    ]
  })
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const [file, content] of build()) {
    mkdirSync(new URL('./', file), { recursive: true })
    writeFileSync(file, content)
  }
}
