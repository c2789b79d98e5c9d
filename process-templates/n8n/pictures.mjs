// Takes the pictures of docs/src/n8n.md: the workflow, imported into a real n8n, in Chromium. `node pictures.mjs`
import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { until } from '../test-support/wait.js'
import { N8n } from './test/support/n8n.js'

const chromium = process.env.CHROMIUM ?? 'chromium'
const screen = { width: 4700, height: 2900 } // all of it at its own size
const docs = new URL('../../docs/src/', import.meta.url)
const workflow = JSON.parse(readFileSync(new URL('bitrix24-oauth.json', import.meta.url), 'utf8'))

const real = workflow.nodes.filter(({ type }) => !type.endsWith('.stickyNote'))

/** What is on each picture: the boxes, and how much smaller than in n8n. */
const pictures = {
  'n8n.png': { notes: Object.keys(boxes()), scale: 0.7 },
  'n8n-asking.png': { notes: ['Note: starts', 'Note: reading'], scale: 1 },
  'n8n-renewal.png': { notes: ['Note: renewal', 'Note: escalation'], scale: 1 },
}

function boxes() {
  const notes = workflow.nodes.filter(({ type }) => type.endsWith('.stickyNote'))
  return Object.fromEntries(
    notes.map(({ name, position: [x, y], parameters: { width, height } }) => [
      name,
      { left: x, top: y, right: x + width, bottom: y + height },
    ]),
  )
}

/** The part of the canvas that shows these boxes. */
function around(names) {
  const all = names.map((name) => boxes()[name])
  const margin = 20
  const x = Math.min(...all.map(({ left }) => left)) - margin
  const y = Math.min(...all.map(({ top }) => top)) - margin
  return {
    x,
    y,
    width: Math.max(...all.map(({ right }) => right)) + margin - x,
    height: Math.max(...all.map(({ bottom }) => bottom)) + margin - y,
  }
}

/** Chromium's remote control, through a pipe. */
class Browser {
  constructor() {
    this.folder = mkdtempSync(join(tmpdir(), 'evergrant-pictures-'))
    const quiet = ['--headless=new', '--no-sandbox', '--hide-scrollbars', '--disable-gpu']
    this.child = spawn(
      chromium,
      [...quiet, '--remote-debugging-pipe', `--user-data-dir=${this.folder}`],
      { stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'] },
    )
    this.waiting = new Map()
    let text = ''
    this.child.stdio[4].setEncoding('utf8').on('data', (part) => {
      const messages = (text + part).split('\0')
      text = messages.pop()
      for (const message of messages.map((one) => JSON.parse(one))) {
        this.waiting.get(message.id)?.(message)
        this.waiting.delete(message.id)
      }
    })
    this.last = 0
  }

  async send(method, params = {}) {
    this.last += 1
    const id = this.last
    const heard = new Promise((resolve) => this.waiting.set(id, resolve))
    this.child.stdio[3].write(
      `${JSON.stringify({ id, method, params, sessionId: this.sessionId })}\0`,
    )
    const { error, result } = await heard
    if (error) throw new Error(`${method}: ${error.message}`)
    return result
  }

  async open(url, cookie) {
    const { targetId } = await this.send('Target.createTarget', { url: 'about:blank' })
    const { sessionId } = await this.send('Target.attachToTarget', { targetId, flatten: true })
    this.sessionId = sessionId
    await this.send('Emulation.setDeviceMetricsOverride', {
      ...screen,
      deviceScaleFactor: 1,
      mobile: false,
    })
    const [name, ...value] = cookie.split('=')
    await this.send('Network.setCookie', { name, value: value.join('='), url })
    await this.send('Page.navigate', { url })
  }

  /** What an expression in the page amounts to. */
  async ask(expression) {
    const { result } = await this.send('Runtime.evaluate', { expression, returnByValue: true })
    return result.value
  }

  async close() {
    const gone = new Promise((resolve) => this.child.once('exit', resolve))
    this.child.kill()
    await gone
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 })
  }
}

/** Imported, and with its credential chosen, as step 3 of "Fill in" says: without one n8n shows a red triangle. */
async function imported(n8n) {
  const id = 'application'
  const name = 'Bitrix24 application'
  const data = { json: JSON.stringify({ body: { client_secret: 'not one' } }) }
  const asking = workflow.nodes.find((node) => node.name === 'Ask the authorization server')
  asking.credentials = { httpCustomAuth: { id, name } }
  await n8n.importFiles({
    credentials: [{ id, name, type: 'httpCustomAuth', data }],
    workflows: [workflow],
  })
  await n8n.start()
  await n8n.own()
}

/** Where the canvas's point 0,0 is on the screen, once nothing moves any more and nothing is scaled. */
async function origin(browser) {
  const where = `(() => {
    const pane = document.querySelector('.vue-flow__transformationpane')
    const nodes = document.querySelectorAll('.vue-flow__node').length
    if (!pane || nodes < ${workflow.nodes.length}) return
    const icons = [...document.querySelectorAll('.vue-flow__node .n8n-node-icon')]
    const ready = (icon) => icon.querySelector('svg') ?? icon.querySelector('img')?.naturalWidth
    if (icons.length < ${real.length} || !icons.every(ready)) return
    const { x, y } = pane.getBoundingClientRect()
    return JSON.stringify({ x, y, scale: new DOMMatrix(getComputedStyle(pane).transform).a })
  })()`
  let before
  const still = await until(
    'the canvas to stand still',
    async () => {
      const now = await browser.ask(where)
      const same = now !== undefined && now === before
      before = now
      return same && now
    },
    60_000,
  )
  return JSON.parse(still)
}

const n8n = await N8n.make()
const browser = new Browser()
try {
  await imported(n8n)
  await browser.open(`${n8n.url}/workflow/${workflow.id}`, n8n.cookie)
  const { x, y, scale } = await origin(browser)
  if (scale !== 1) throw new Error(`n8n shows it at ${scale}: a larger screen is needed`)
  for (const [file, picture] of Object.entries(pictures)) {
    const part = around(picture.notes)
    const clip = { ...part, x: part.x + x, y: part.y + y, scale: picture.scale }
    const { data } = await browser.send('Page.captureScreenshot', { clip })
    writeFileSync(new URL(file, docs), Buffer.from(data, 'base64'))
  }
} finally {
  await browser.close()
  await n8n.remove()
}
