import { readFileSync } from 'node:fs'
import { Emulator } from '../../../test-support/emulator.js'
import { Engine } from '../../interpreter/engine.js'

export const template = new URL('../../standalone/bitrix24-oauth.json', import.meta.url)
export const names = {
  oauth: 'Bitrix OAuth',
  storage: 'Bitrix Token storage',
  notify: 'Notify the author',
  give: 'Give a Bitrix24 token',
  lead: 'Create a new lead (example)',
}
export const portal = 'example.bitrix24.com'
const storageId = 1000002
const alertUrl = 'https://alerts.example/hook'
/** Where every run begins; the emulator shows the same time. */
const begin = 1_800_000_000

/** The shipped file in the interpreter, before an emulator of Bitrix24, with one hand on both clocks. */
export class Stage {
  /** @param {Emulator} emulator @param {import('../../interpreter/engine.js').Readings} readings */
  static async open(emulator, readings, settings = {}) {
    const stage = Object.assign(new Stage(), { emulator, readings, alerts: [], alertStatus: 200 })
    await emulator.control('/reset', {})
    await emulator.control('/settings', { client_endpoint: `https://${portal}/rest/` })
    stage.codes = []
    stage.engine = new Engine({
      objects: filledIn(settings),
      readings,
      now: begin,
      http: (request) => stage.http(request),
    })
    await stage.turnClock()
    return stage
  }

  /** The reason of a refusal can be seen under these readings. */
  get reasonsSeen() {
    return this.readings.errorMerged || this.readings.errorMapped
  }
  get now() {
    return this.engine.now
  }
  async turnClock() {
    await this.emulator.control('/clock', { set: this.now })
  }
  async advance(seconds) {
    await this.engine.advance(seconds)
  }
  /** Lets everything happen that happens at once; a late modification takes some seconds. */
  async settle() {
    await this.advance(10)
  }

  async http({ url, headers, data }) {
    if (url === alertUrl) {
      if (this.alertStatus === 200) this.alerts.push(data)
      return { status: this.alertStatus, body: '{}' }
    }
    const { authorization, portal: portalAddress } = this.emulator.ready
    const hosts = {
      'https://oauth.bitrix.info': authorization,
      [`https://${portal}`]: portalAddress,
    }
    const { origin, pathname, search } = new URL(url)
    if (!hosts[origin] || search) throw new Error(`nobody should call ${url}`)
    await this.turnClock()
    try {
      const answer = await fetch(hosts[origin] + pathname, {
        method: 'POST',
        headers,
        body: new URLSearchParams(data),
        redirect: 'manual',
      })
      return { status: answer.status, body: await answer.text() }
    } catch {
      return { lost: true }
    }
  }

  async code() {
    await this.turnClock()
    const code = await this.emulator.code()
    this.codes.push(code)
    return code
  }

  /** Adds a task as a person does. */
  async add(changes = {}, ref = 'token') {
    const { client_id, client_secret } = this.emulator.ready
    const inputs = { portal, client_id, client_secret, scope: 'crm', code: await this.code() }
    const data = Object.fromEntries(
      Object.entries({ ...inputs, ...changes }).filter(([, value]) => value !== undefined),
    )
    const refused = this.engine.create(this.engine.conv(names.oauth).object.obj_id, ref, data)
    await this.settle()
    return refused
  }
  /** Modifies the task of the state diagram as a person does. */
  async modify(data) {
    const refused = this.engine.modify(storageId, 'token', data)
    await this.engine.run()
    return refused
  }

  /** The values of a node Settings, to be changed under way. */
  setting(title) {
    const { nodes } = this.engine.conv(title)
    return [...nodes.values()].find((node) => node.title === 'Settings').condition.logics[0].extra
  }

  read(name) {
    return this.engine.read(storageId, 'token', name)
  }
  /** Where the token's task stands in the state diagram. */
  get place() {
    return this.engine.where(names.storage, 'token')
  }

  /** Calls "Give a Bitrix24 token". */
  ask(inputs = {}) {
    const asked = {}
    asked.refused = this.engine.create(
      this.engine.conv(names.give).object.obj_id,
      '',
      { min_ttl: '', ...inputs },
      { reply: (answer) => Object.assign(asked, answer), exception: () => {} },
    )
    return asked
  }
  async give(inputs, wait = 150) {
    const asked = this.ask(inputs)
    for (let n = 0; n < wait && asked.error === undefined; n += 3) await this.advance(3)
    return asked
  }

  async fault(fault) {
    await this.emulator.control('/faults', { at: 'token', ...fault })
  }
  async asked() {
    const log = await this.emulator.control('/log?after=0')
    return log.filter(({ server }) => server === 'authorization').length
  }
  /** Whether the access token that readers see opens the portal. */
  async works() {
    await this.turnClock()
    const answer = await fetch(`${this.emulator.ready.portal}/rest/profile.json`, {
      method: 'POST',
      body: new URLSearchParams({ auth: this.read('access_token') }),
    })
    return answer.ok
  }

  kinds() {
    return this.alerts.map(({ kind, state }) => `${kind} ${state}`)
  }
  /** The last finished task of a process, messages aside. */
  last(title = names.oauth) {
    return this.engine.archive
      .filter(({ conv, ref }) => conv === title && ref !== 'token-message')
      .at(-1)
  }
  visits(title) {
    return this.engine.visited.filter((visit) => visit.title === title).length
  }

  /** Whatever is kept after the run, and whatever was sent to people. */
  async leaks() {
    const { archive, unmasked, visited } = this.engine
    const shown = JSON.stringify([archive, unmasked, visited, this.alerts])
    const secrets = [...(await this.emulator.secrets()), ...this.codes]
    return secrets.filter((secret) => shown.includes(secret)).map((secret) => secret.slice(0, 4))
  }
}

/** The settings that a person fills in after the import. */
function filledIn({ renewEveryMinutes = '25', ...changes }) {
  const objects = JSON.parse(readFileSync(template, 'utf8'))
  const values = {
    renew_every_minutes: renewEveryMinutes,
    storage_id: String(storageId),
    alert_url: alertUrl,
    ...changes,
  }
  for (const { scheme } of objects) {
    for (const { title, condition } of scheme?.nodes ?? []) {
      if (title !== 'Settings') continue
      const { extra } = condition.logics[0]
      for (const key of Object.keys(extra)) if (values[key] !== undefined) extra[key] = values[key]
    }
  }
  return objects
}
