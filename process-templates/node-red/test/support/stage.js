import { readFileSync } from 'node:fs'
import { Emulator } from '../../../test-support/emulator.js'
import { freePort } from '../../../test-support/port.js'
import { Sink } from '../../../test-support/sink.js'
import { until } from '../../../test-support/wait.js'
import { NodeRed } from './node-red.js'

const template = new URL('../../bitrix24-oauth.json', import.meta.url)

/** A tab of a user of the template: POST /test/token asks for a token and answers msg.token. */
const userTab = [
  { id: 'user-tab', type: 'tab', label: 'A user of the token' },
  {
    id: 'user-in',
    type: 'http in',
    z: 'user-tab',
    url: '/test/token',
    method: 'post',
    wires: [['user-ask']],
  },
  {
    id: 'user-ask',
    type: 'function',
    z: 'user-tab',
    func: 'Object.assign(msg, msg.payload); return msg;',
    outputs: 1,
    wires: [['user-call']],
  },
  {
    id: 'user-call',
    type: 'link call',
    z: 'user-tab',
    links: ['b24oauth-give-token'],
    linkType: 'static',
    timeout: '60',
    wires: [['user-answer']],
  },
  {
    id: 'user-answer',
    type: 'function',
    z: 'user-tab',
    func: 'msg.payload = msg.token; delete msg.token; return msg;',
    outputs: 1,
    wires: [['user-out']],
  },
  {
    id: 'user-out',
    type: 'http response',
    z: 'user-tab',
    headers: { 'content-type': 'application/json' },
    wires: [],
  },
]

/** Emulator, Node-RED with the template in it, a receiver of messages, and one hand on all the clocks. */
export class Stage {
  /** @param {Record<string, unknown>} [settings] changes to settings.js */
  static async open(settings) {
    const stage = new Stage()
    stage.nodeRed = new NodeRed(await freePort())
    stage.emulator = await Emulator.start({ redirectUri: `${stage.nodeRed.url}/bitrix24/callback` })
    stage.sink = await Sink.open()
    await stage.nodeRed.start(settings)
    return stage
  }

  async close() {
    await this.nodeRed.remove()
    await this.emulator.stop()
    await this.sink.close()
  }

  /**
   * Imports the template with settings filled in, as a person does it.
   * @param {Record<string, string>} [changes] settings that differ; client_secret, code and alert_key are credentials;
   *   `tick` is the schedule's interval in seconds, `edit` changes nodes as a person does by hand
   */
  async import({ edit, ...changes } = {}) {
    const { ready } = this.emulator
    const values = {
      portal: ready.portal,
      authorization_server: ready.authorization,
      client_id: ready.client_id,
      client_secret: ready.client_secret,
      alert_url: this.sink.url,
      alert_key: 'key-of-the-receiver',
      retry_seconds: '30',
      ...changes,
    }
    const flows = JSON.parse(readFileSync(template, 'utf8'))
    const tab = flows.find(({ type }) => type === 'tab')
    tab.credentials = {}
    for (const setting of tab.env) {
      if (values[setting.name] === undefined) continue
      if (setting.type === 'cred') tab.credentials[setting.name] = values[setting.name]
      else setting.value = values[setting.name]
    }
    if (changes.tick) flows.find(({ id }) => id === 'b24oauth-tick').repeat = changes.tick
    edit?.(flows)
    await this.nodeRed.deploy([...flows, ...userTab])
  }

  /** Imports with a fresh code and waits until the first token is kept. */
  async authorized(changes = {}) {
    await this.import({ code: await this.emulator.code(), ...changes })
    await until(
      'the exchange of the code',
      async () => (await this.emulator.control('/counters')).authorization.exchanges > 0,
    )
    return await this.token({ min_ttl: 0 })
  }

  /** Asks for a token through a link call on another tab. */
  async token(request = {}) {
    const answer = await fetch(`${this.nodeRed.url}/test/token`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(request),
    })
    return await answer.json()
  }

  /** The address that the author gets when consent is needed, opened in a "browser" that is sent back to Node-RED. */
  async openLink(link) {
    const page = await fetch(link)
    return { status: page.status, text: await page.text(), url: new URL(page.url) }
  }

  /** How often the authorization server was asked, faults included. */
  async asked() {
    const log = await this.emulator.control('/log?after=0')
    return log.filter(
      ({ server, path }) => server === 'authorization' && path.startsWith('/oauth/token'),
    ).length
  }

  /** One tick of the schedule, and the certainty that it has been worked off. */
  async tick() {
    await this.nodeRed.press('b24oauth-tick')
    await this.settled()
  }

  /** Waits until every job that went in before has ended: a refused callback goes through the same queue. */
  async settled() {
    await fetch(`${this.nodeRed.url}/bitrix24/callback?state=none&code=none`)
  }

  /** Turns the clocks of Node-RED, the authorization server and the portal. */
  async advance(seconds) {
    await this.emulator.control('/clock', { advance: seconds })
    await this.nodeRed.advance(seconds)
  }

  get alerts() {
    return this.sink.alerts
  }

  async alert(kind, state, nth) {
    return await this.sink.alert(kind, state, nth)
  }

  /** The messages that are kept until their delivery is noted. */
  get waiting() {
    return this.nodeRed.context('bitrix24_told').waiting ?? []
  }

  /** Waits until every delivery is noted: of one that is not, a killed Node-RED does not know. */
  async delivered() {
    await until('nothing waits', () => this.waiting.length === 0)
  }

  count(kind, state) {
    return this.sink.count(kind, state)
  }
}
