import { createRequire } from 'node:module'
import { join } from 'node:path'
import { until } from '../../../test-support/wait.js'
import { installed } from './install.js'

/**
 * Listens to what the editor would show. Needs `disableEditor: false`.
 * @param {import('./stage.js').Stage} stage
 */
export async function listen(stage) {
  const require = createRequire(join(installed().folder, 'node_modules/node-red/red.js'))
  const WebSocket = require('ws')
  const socket = new WebSocket(`ws://127.0.0.1:${stage.nodeRed.port}/comms`)
  const shown = new Shown(socket)
  await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject))
  for (const topic of ['debug', 'status/#']) socket.send(JSON.stringify({ subscribe: topic }))
  return shown
}

/** Everything that came, as text, and the lines of the debug sidebar. */
class Shown {
  constructor(socket) {
    this.socket = socket
    this.text = ''
    this.lines = []
    socket.on('message', (data) => {
      this.text += `${data}\n`
      for (const { topic, data: line } of [JSON.parse(data)].flat())
        if (topic === 'debug' && line.name)
          this.lines.push({ name: line.name, payload: payload(line) })
    })
  }

  named(name) {
    return this.lines.filter((line) => line.name === name)
  }

  /** Waits for the nth line of a debug node. */
  async line(name, nth = 1) {
    await until(
      () => `"${name}" number ${nth}; so far ${this.lines.map((line) => line.name)}`,
      () => this.named(name).length >= nth,
    )
    return this.named(name)[nth - 1].payload
  }

  close() {
    this.socket.terminate()
  }
}

function payload({ msg, format }) {
  return /^(Object|array)/.test(format) ? JSON.parse(msg) : msg
}
