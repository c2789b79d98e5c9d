import { createServer } from 'node:http'
import { until } from './wait.js'

/** Receives the messages that a template sends to its author. */
export class Sink {
  static async open() {
    const sink = new Sink()
    sink.begin('')
    sink.server = createServer((request, response) => {
      let body = ''
      request.on('data', (part) => {
        body += part
      })
      request.on('end', () => {
        if (sink.status === 200) {
          const message = { ...JSON.parse(body), authorization: request.headers.authorization }
          sink.of(request.url)?.push(message)
        } else sink.refused += 1
        response.writeHead(sink.status).end()
      })
    })
    await new Promise((resolve) => sink.server.listen(0, '127.0.0.1', resolve))
    sink.origin = `http://127.0.0.1:${sink.server.address().port}`
    return sink
  }

  /** From now on messages count that go to a place of their own: those to an earlier one may still be on their way. */
  begin(place) {
    Object.assign(this, { place, alerts: [], errors: [], status: 200, refused: 0 })
  }

  of(path) {
    return { [`/${this.place}`]: this.alerts, '/errors': this.errors }[path]
  }

  get url() {
    return `${this.origin}/${this.place}`
  }

  matching(kind, state) {
    return this.alerts.filter((alert) => alert.kind === kind && (!state || alert.state === state))
  }

  count(kind, state) {
    return this.matching(kind, state).length
  }

  /** Waits for the nth message of a kind. */
  async alert(kind, state, nth = 1) {
    await until(
      () => `${kind} ${state ?? ''} number ${nth}; so far ${JSON.stringify(this.alerts)}`,
      () => this.count(kind, state) >= nth,
    )
    return this.matching(kind, state)[nth - 1]
  }

  async close() {
    this.server.closeAllConnections()
    await new Promise((resolve) => this.server.close(resolve))
  }
}
