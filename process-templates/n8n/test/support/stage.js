import { readFileSync } from 'node:fs'
import { Emulator } from '../../../test-support/emulator.js'
import { Sink } from '../../../test-support/sink.js'
import { N8n } from './n8n.js'

const read = (file) => JSON.parse(readFileSync(new URL(`../../${file}`, import.meta.url), 'utf8'))
const oauthId = 'b24OAuthToken001'
const client_secret = 'secret-of-the-tests-0123456789'

/** A credential of the type Custom Auth, as the notes ask for it. */
const credential = (id, secret) => ({
  id,
  name: id,
  type: 'httpCustomAuth',
  data: { json: JSON.stringify({ body: { client_secret: secret } }) },
})

const entry = (name, path, position, responseMode = 'lastNode') => ({
  id: `entry-${path.replace('/', '-')}`,
  name,
  type: 'n8n-nodes-base.webhook',
  typeVersion: 2,
  position,
  webhookId: path.replace('/', '-'),
  parameters: { httpMethod: 'POST', path, responseMode, options: {} },
})

/** A workflow of a user: POST /webhook/<path> hands its body to another workflow and answers with what that returns. */
const user = (id, path, workflowId, inputs) => ({
  id,
  name: id,
  nodes: [
    entry('asked', path, [0, 0]),
    {
      id: 'call',
      name: 'call',
      type: 'n8n-nodes-base.executeWorkflow',
      typeVersion: 1.2,
      position: [220, 0],
      parameters: {
        source: 'database',
        workflowId: { __rl: true, mode: 'id', value: workflowId },
        workflowInputs: {
          mappingMode: 'defineBelow',
          value: Object.fromEntries(inputs.map((name) => [name, `={{ $json.body.${name} }}`])),
          schema: inputs.map((name) => ({
            id: name,
            displayName: name,
            type: 'any',
            display: true,
          })),
        },
        mode: 'once',
        options: {},
      },
    },
  ],
  connections: { asked: { main: [[{ node: 'call', type: 'main', index: 0 }]] } },
  settings: {
    executionOrder: 'v1',
    saveDataSuccessExecution: 'none',
    saveDataErrorExecution: 'none',
  },
})

/** n8n with the three files in it, a receiver of messages, and for each scenario an emulator of its own. */
export class Stage {
  static async open() {
    const stage = new Stage()
    stage.n8n = await N8n.make()
    stage.sink = await Sink.open()
    stage.scenarios = 0
    stage.spent = [] // tokens of the scenarios before
    try {
      await stage.prepare()
    } catch (error) {
      await stage.close()
      throw error
    }
    return stage
  }

  /** Imports and publishes on the command line, as the page about it says; then starts n8n. */
  async prepare() {
    const users = [
      user('user-of-the-token', 'test/token', oauthId, ['min_ttl', 'stale_token']),
      user('user-of-the-lead', 'test/lead', 'b24OAuthLead0001', ['TITLE']),
    ]
    await this.emulate()
    const workflows = [this.filled(), this.errors(), read('create-a-new-lead.json'), ...users]
    await this.n8n.importFiles({
      credentials: [credential('the-secret', client_secret), credential('a-wrong-secret', 'wrong')],
      workflows,
    })
    this.published = await this.n8n.command('publish:workflow', `--id=${oauthId}`)
    await this.n8n.start()
    await this.n8n.own()
    for (const workflow of workflows.slice(1)) await this.n8n.deploy(workflow)
  }

  /** A new emulator, a new reference, no messages: nothing of the scenario before is left. */
  async fresh() {
    this.spent.push(...(await this.emulator.control('/tokens')))
    await this.emulator.stop()
    await this.emulate()
    this.sink.begin(this.reference)
  }

  async emulate() {
    this.scenarios += 1
    this.emulator = await Emulator.start({
      redirectUri: `${this.n8n.url}/webhook/bitrix24/callback`,
      more: [
        ...['--client-secret', client_secret],
        ...['--now', String(Math.floor(Date.now() / 1000) + this.n8n.offset)],
      ],
    })
  }

  get reference() {
    return `token-${this.scenarios}`
  }

  /** The error workflow, with a place of its own to send to. */
  errors() {
    const workflow = read('bitrix24-oauth-errors.json')
    const address = this.settingsOf(workflow).find(({ name }) => name === 'alert_url')
    address.value = `${this.sink.origin}/errors`
    return workflow
  }

  /** What it told, but for runs that were cut off when n8n was killed: n8n finds those when it comes to it. */
  broken() {
    return this.sink.errors.filter(({ reason }) => !/did not finish/.test(reason))
  }

  settingsOf(workflow) {
    const node = workflow.nodes.find(({ name }) => name === 'Settings')
    return node.parameters.assignments.assignments
  }

  /**
   * The template with its settings filled in, as a person does it. For the tests' hands it gets two more entries: one at
   * the schedule's node, one at the node of "By hand".
   * @param {Record<string, unknown>} [changes] settings that differ; `credential` names another one, null none;
   *   `every` is the schedule's interval in seconds
   */
  filled(changes = {}) {
    const { every, credential: chosen = 'the-secret', edit, ...typed } = changes
    const { ready } = this.emulator
    const values = {
      portal: ready.portal,
      authorization_server: ready.authorization,
      client_id: ready.client_id,
      alert_url: this.sink.url,
      reference: this.reference,
      ...typed,
    }
    const workflow = read('bitrix24-oauth.json')
    for (const setting of this.settingsOf(workflow))
      if (values[setting.name] !== undefined) setting.value = values[setting.name]
    const at = (name) => workflow.nodes.find((node) => node.name === name)
    if (chosen)
      at('Ask the authorization server').credentials = {
        httpCustomAuth: { id: chosen, name: chosen },
      }
    if (every)
      at('Every 5 minutes').parameters.rule.interval = [
        { field: 'seconds', secondsInterval: every },
      ]
    workflow.nodes.push(
      entry('a tick', 'test/tick', [0, 800], 'responseNode'),
      entry('a press', 'test/press', [0, 960], 'responseNode'),
    )
    const to = (node) => ({ main: [[{ node, type: 'main', index: 0 }]] })
    workflow.connections['a tick'] = to('Is anything due?')
    workflow.connections['a press'] = to('Take the code, or get the link')
    edit?.(workflow)
    return workflow
  }

  async deploy(changes) {
    await this.n8n.deploy(this.filled(changes))
  }

  /** Deploys with a fresh code in the settings, and has it exchanged. */
  async authorized(changes = {}) {
    await this.deploy({ code: await this.emulator.code(), ...changes })
    return await this.token({ min_ttl: 0 })
  }

  /** Asks for a token from another workflow. */
  async token(request = {}) {
    return await this.n8n.post('test/token', request)
  }

  async lead(TITLE) {
    return await this.n8n.post('test/lead', { TITLE })
  }

  /** What the schedule does; ends when the run has ended. */
  async tick() {
    return await this.n8n.post('test/tick')
  }

  /** What "Execute workflow" does. */
  async press() {
    return await this.n8n.post('test/press')
  }

  /** For `deploy`: what a run from "By hand" shows in the node that it ends in is the answer to `press`. */
  showing(end) {
    const edit = (workflow) => {
      workflow.nodes.push({
        id: 'shown',
        name: 'shown',
        type: 'n8n-nodes-base.respondToWebhook',
        typeVersion: 1.1,
        position: [3900, 800],
        parameters: { respondWith: 'json', responseBody: '={{ JSON.stringify($json) }}' },
      })
      workflow.connections[end] = { main: [[{ node: 'shown', type: 'main', index: 0 }]] }
    }
    return { edit }
  }

  /** The link that the author gets, opened in a "browser" that is sent back to n8n. */
  async openLink(link) {
    const page = await fetch(link)
    return { status: page.status, text: await page.text(), headers: page.headers }
  }

  /** The bookkeeping beside the token, as it stands in the data table. */
  memory() {
    return JSON.parse(this.row()?.memory ?? '{}')
  }

  /** The row of this scenario's reference, with n8n's own columns. */
  row() {
    return this.n8n.query(`select * from ${this.table()} where reference = '${this.reference}'`)[0]
  }

  deleteRow() {
    this.n8n.change(`delete from ${this.table()} where reference = '${this.reference}'`)
  }

  /** From now on the database refuses to change a refresh token, as one does that is full. */
  refuseToSave() {
    this.n8n.change(`create trigger full before update on ${this.table()}
      when new.refresh_token is not old.refresh_token
      begin select raise(abort, 'database or disk is full'); end`)
  }

  saveAgain() {
    this.n8n.change('drop trigger if exists full')
  }

  /** How often n8n has begun to run a node. */
  begun(node) {
    return this.n8n.log.split(`Running node "${node}" started`).length - 1
  }

  table() {
    const [{ id }] = this.n8n.query("select id from data_table where name = 'bitrix24_tokens'")
    return `data_table_user_${id}`
  }

  /** The schedule as it is shipped. */
  minutesBetweenTicks() {
    const { nodes } = read('bitrix24-oauth.json')
    const { rule } = nodes.find(({ type }) => type.endsWith('.scheduleTrigger')).parameters
    return rule.interval[0].minutesInterval
  }

  /** n8n's time in Unix seconds. */
  now() {
    return Math.floor(Date.now() / 1000) + this.n8n.offset
  }

  async restart(signal) {
    await this.n8n.end(signal)
    await this.n8n.start()
  }

  /** How often the authorization server was asked, faults included. */
  async asked() {
    const log = await this.emulator.control('/log?after=0')
    return log.filter(
      ({ server, path }) => server === 'authorization' && path.startsWith('/oauth/token'),
    ).length
  }

  /** Turns the clocks of n8n, the authorization server and the portal. */
  async advance(seconds) {
    await this.emulator.control('/clock', { advance: seconds })
    await this.n8n.advance(seconds)
  }

  async close() {
    await this.n8n.remove()
    await this.emulator?.stop()
    await this.sink.close()
  }
}
