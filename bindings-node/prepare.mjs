// Builds the package from source when it is installed from its folder.
//
// `npm install <path to this folder>` links the folder and runs this, but installs nothing in it:
// the tools of the build have to be fetched first.

import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'

function npm(...words) {
  const [program, ...first] = process.env.npm_execpath
    ? [process.execPath, process.env.npm_execpath]
    : ['npm']
  execFileSync(program, [...first, ...words], {
    cwd: new URL('.', import.meta.url),
    stdio: 'inherit',
  })
}

if (!existsSync(new URL('node_modules/.bin/napi', import.meta.url))) {
  npm('install', '--no-save', '--ignore-scripts', '--include=dev')
}
npm('run', 'build')
