// Nonsense in the settings, codes of others, a workflow edited by hand; and no secret anywhere.
import assert from 'node:assert/strict'
import { until } from '../../../test-support/wait.js'

const escalate = `"access_token" doesn't update. Escalation to the process author`

/**
 * @param {ReturnType<import('../../../test-support/table.js').scenarios>} scenario
 * @param {import('../support/stage.js').Stage} stage
 */
export function input(scenario, stage) {
  const broken = () => stage.broken()

  scenario(
    'bad input: settings that make no sense end in a node that names the field, unechoed',
    async () => {
      const cases = [
        [
          { portal: 'https://example.bitrix24.com/rest/1/pasted-secret/' },
          /portal must be a host only/,
        ],
        [{ portal: 'ftp://example.bitrix24.com' }, /portal must use https/],
        [{ portal: '' }, /portal is empty/],
        [{ client_id: '' }, /client_id is empty/],
        [{ client_id: 'a b' }, /client_id may contain/],
        [
          { authorization_server: 'http://oauth.example.com' },
          /authorization_server must use https/,
        ],
        [{ keep_alive_days: 300 }, /keep_alive_days must be a number from 1 to 25/],
        [{ code: 'code=1&state=2 3' }, /code must be the text between/],
      ]
      for (const [typed, reason] of cases) {
        await stage.deploy(typed)
        const token = await stage.token()
        assert.equal(token.error, 'settings', JSON.stringify(typed))
        assert.match(token.error_description, reason)
        assert.match(token.what_to_do, /Correct the node Settings/)
      }
      assert.equal((await stage.token({ min_ttl: 'soon' })).error, 'invalid_request')
      assert.equal(stage.sink.count('escalation', 'settings'), 1, 'told once')
      assert.ok(!JSON.stringify(stage.sink.alerts).includes('pasted-secret'))
      assert.equal(await stage.asked(), 0)
    },
  )

  scenario(
    'nobody to tell: said at the end of a run by hand, told once there is an address',
    async () => {
      const untold = stage.showing('Nobody is told: fill in alert_url')
      const consent = stage.showing('Give consent: open the link')
      await stage.deploy({ alert_url: '', ...consent })
      const first = await stage.press()
      assert.equal(first.error, 'not_authorized')
      assert.match(first.warning, /^alert_url is empty/)
      for (let n = 0; n < 2; n += 1) await stage.tick()
      assert.equal(stage.memory().undelivered, 'not_authorized', 'kept')
      const token = await stage.authorized({ alert_url: '', ...untold })
      assert.ok(token.access_token, 'it is no reason not to take a code')
      assert.equal(token.warning, undefined, 'a reader has nothing to do with it')
      for (const [alert_url, warning] of [
        ['', /^alert_url is empty/],
        ['alerts.example.com/key', /^alert_url does not begin with https/],
      ]) {
        await stage.deploy({ alert_url, ...untold })
        const shown = await stage.press()
        assert.match(shown.warning, warning)
        assert.doesNotMatch(shown.warning, /example/)
        assert.match(shown.what_to_do, /something broke/)
        assert.equal(shown.access_token, token.access_token)
      }
      await stage.advance(3700)
      assert.ok((await stage.token()).access_token, 'nor not to renew')

      await stage.emulator.control('/revoke', { user_id: 1 })
      await stage.advance(3700)
      assert.equal((await stage.token()).error, 'needs_reauthorization')
      assert.equal(stage.memory().undelivered, 'needs_reauthorization')
      await stage.deploy()
      for (let n = 0; n < 2; n += 1) await stage.tick()
      await stage.sink.alert('escalation', 'needs_reauthorization')
      const told = stage.sink.matching('escalation').map(({ state }) => state)
      assert.deepEqual(told, ['needs_reauthorization'])
    },
  )

  scenario('a node of your own in place of the escalation: no address is missed', async () => {
    const end = stage.showing('Here is the token')
    const edit = (workflow) => {
      end.edit(workflow)
      const escalation = workflow.nodes.find(({ name }) => name === escalate)
      escalation.parameters.url = stage.sink.url
    }
    await stage.authorized({ alert_url: '', edit })
    assert.ok((await stage.press()).access_token)
    await stage.emulator.control('/revoke', { user_id: 1 })
    await stage.advance(3700)
    await stage.token()
    await stage.sink.alert('escalation', 'needs_reauthorization')
  })

  scenario('bad input: a code of another portal is refused, its token not kept', async () => {
    await stage.deploy({ portal: 'another-portal', code: await stage.emulator.code() })
    const token = await stage.token()
    assert.equal(token.error, 'not_authorized')
    assert.match(token.error_description, /belongs to another portal/)
    assert.equal((await stage.token()).access_token, undefined)
  })

  scenario('edited by hand: a node that fails is told by the error workflow, once', async () => {
    const edit = (workflow) => {
      const node = workflow.nodes.find(({ name }) => name === 'Take the turn')
      node.parameters.filters.conditions[0].keyName = 'no_such_column'
    }
    await stage.deploy({ edit })
    for (let n = 0; n < 3; n += 1) await stage.tick().catch(() => {})
    await until('the message', () => broken().length > 0, 30_000)
    assert.equal(broken()[0].node, 'Take the turn')
    assert.match(broken()[0].text, /import the file again/)
    await stage.deploy({ code: await stage.emulator.code() })
    assert.ok((await stage.token()).access_token)
    assert.equal(broken().length, 1)
  })

  // Runs last: everything the scenarios before have left behind is searched, too.
  scenario(
    'secrets: none in the log, the messages, the saved executions or the workflow',
    async () => {
      const code = await stage.emulator.code()
      await stage.authorized({ code })
      await stage.lead('Seen by nobody')
      await stage.advance(3700)
      for (const fault of [
        { kind: 'html', status: 502 },
        { kind: 'truncate', when: 'after' },
      ]) {
        await stage.emulator.control('/faults', { at: 'token', times: 1, ...fault })
        await stage.token()
        await stage.advance(1000)
      }
      await stage.token()
      await stage.sink.alert('escalation', 'needs_reauthorization')
      const saved = stage.n8n.query('select data from execution_data')
      const places = {
        'the log': stage.n8n.log,
        messages: JSON.stringify(stage.sink.alerts),
        'saved executions': JSON.stringify(saved),
        'the workflow': JSON.stringify(
          await stage.n8n.rest('GET', '/workflows/b24OAuthToken001'),
        ).replaceAll(code, ''),
      }
      const tokens = await stage.emulator.control('/tokens')
      const secrets = [
        ...tokens.map(({ token }) => token),
        // A token that a reader called stale is what its run was started with; n8n keeps that for an hour.
        ...stage.spent.filter(({ kind }) => kind === 'refresh').map(({ token }) => token),
        stage.emulator.ready.client_secret,
        code,
      ]
      assert.ok(secrets.length >= 5)
      assert.ok(stage.spent.length === 0 || secrets.length > tokens.length + 2, 'refresh tokens')
      for (const [place, text] of Object.entries(places))
        for (const secret of secrets)
          assert.ok(!text.includes(secret), `${place} shows ${secret.slice(0, 4)}...`)
      const table = stage.n8n.query("select id from data_table where name = 'bitrix24_tokens'")[0]
        .id
      const plain = JSON.stringify(stage.n8n.query(`select * from data_table_user_${table}`))
      assert.ok(
        secrets.some((secret) => plain.includes(secret)),
        'and, as the notes say, plain in the data table',
      )
      assert.ok(!plain.includes(stage.emulator.ready.client_secret), 'but not the client_secret')
    },
  )
}
