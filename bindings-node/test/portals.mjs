// Portals for tests that need one which does not answer, or answers when it is told to.

import { once } from 'node:events'
import { createServer as createHttpServer } from 'node:http'
import { createServer } from 'node:net'

/** The secret inside every webhook here. */
export const SECRET = 'qwertyuiop123456'

const webhookAt = (server) => `http://127.0.0.1:${server.address().port}/rest/1/${SECRET}/`

/** Accepts requests and never answers. `requested()` waits for the next one to have come in. */
export async function silentPortal() {
  const sockets = new Set()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => {})
    socket.on('data', () => server.emit('asked'))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    webhook: webhookAt(server),
    requested: () => once(server, 'asked'),
    close: () => {
      for (const socket of sockets) socket.destroy()
      server.close()
    },
  }
}

/** Answers every request with the same result, after so many milliseconds. */
export async function slowPortal(pause, result = true) {
  const body = JSON.stringify({ result })
  const server = createHttpServer((request, response) => {
    request.resume()
    setTimeout(() => response.end(body), pause)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    webhook: webhookAt(server),
    close: () => {
      server.closeAllConnections()
      server.close()
    },
  }
}

/** Passes requests on to `origin`, each of them only once `release` was called. */
export async function gate(origin) {
  const waiting = []
  const server = createHttpServer(async (request, response) => {
    const chunks = []
    for await (const chunk of request) chunks.push(chunk)
    if (!open) {
      const released = new Promise((resolve) => {
        waiting.push(resolve)
      })
      server.emit('held')
      await released
    }
    const answer = await fetch(origin + request.url, {
      method: request.method,
      headers: { 'content-type': request.headers['content-type'] ?? 'text/plain' },
      ...(chunks.length > 0 ? { body: Buffer.concat(chunks) } : {}),
    })
    response.writeHead(answer.status, { 'content-type': 'application/json' })
    response.end(await answer.text())
  })
  let open = true
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    origin: `http://127.0.0.1:${server.address().port}`,
    /** From now on, hold requests; the promise is fulfilled when one is held. */
    hold: () => {
      open = false
      return once(server, 'held')
    },
    release: () => {
      open = true
      for (const resolve of waiting.splice(0)) resolve()
    },
    close: () => {
      server.closeAllConnections()
      server.close()
    },
  }
}

/** Asks `condition` again and again until it holds. */
export async function until(condition, what, within = 10_000) {
  const deadline = Date.now() + within
  for (;;) {
    const value = await condition()
    if (value) return value
    if (Date.now() > deadline) throw new Error(`not in time: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}

/**
 * Says where a file goes and reads the beginning of it; `rest()` reads on as far as it comes, no more than
 * `most`, and answers how many bytes came in all.
 */
export async function sluggishPortal(most) {
  let came = 0
  const server = createServer((socket) => {
    socket.on('error', () => {})
    socket.once('data', (request) => {
      if (!request.includes('/upload ')) {
        const uploadUrl = `http://127.0.0.1:${server.address().port}/upload`
        const body = JSON.stringify({ result: { field: 'file', uploadUrl } })
        const head = `HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: ${body.length}`
        socket.end(`${head}\r\n\r\n${body}`)
        return
      }
      came += request.length
      socket.pause()
      server.emit('upload', socket)
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const upload = once(server, 'upload')
  return {
    webhook: webhookAt(server),
    rest: async () => {
      const [socket] = await upload
      socket.on('data', (part) => {
        came += part.length
        if (came >= most) socket.destroy()
      })
      socket.resume()
      await once(socket, 'close')
      server.close()
      return came
    },
  }
}
