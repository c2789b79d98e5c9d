// Everything that Node-RED shows or writes down is searched for every secret that there is.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { until } from '../../test-support/wait.js'
import { listen } from './support/sidebar.js'
import { Stage } from './support/stage.js'

test('no secret in the log, the debug sidebar, the status lines, GET /flows, the flow file or the messages', async () => {
  const stage = await Stage.open({
    disableEditor: false,
    logging: { console: { level: 'trace', metrics: true, audit: true } },
  })
  try {
    const shown = await listen(stage)
    const codes = [await stage.emulator.code()]
    await stage.authorized({ code: codes[0] })
    await stage.nodeRed.press('b24oauth-get-link')
    await stage.nodeRed.press('b24oauth-new-lead')
    await shown.line('Lead created')
    await stage.advance(3700)
    const faults = [
      { kind: 'html', status: 502 },
      { kind: 'drop' },
      { kind: 'truncate', when: 'after' },
    ]
    for (const [n, fault] of faults.entries()) {
      await stage.emulator.control('/faults', { at: 'token', times: 1, ...fault })
      await stage.token()
      await stage.nodeRed.press('b24oauth-new-lead')
      await shown.line('Lead not created', n + 1)
      await stage.advance(1000)
    }
    await stage.token()
    await stage.alert('escalation', 'needs_reauthorization')
    codes.push(await stage.emulator.code())
    await stage.import({ code: codes[1] })
    await stage.alert('recovery')
    await until('the status line', () => /token until .*kept on disk/.test(shown.text))

    const places = {
      'the log': stage.nodeRed.log,
      'debug sidebar and status lines': shown.text,
      'GET /flows': await (await fetch(`${stage.nodeRed.url}/flows`)).text(),
      'flows.json': readFileSync(join(stage.nodeRed.folder, 'flows.json'), 'utf8'),
      'flows_cred.json': readFileSync(join(stage.nodeRed.folder, 'flows_cred.json'), 'utf8'),
      messages: JSON.stringify(stage.alerts.map(({ authorization, ...alert }) => alert)),
    }
    const secrets = [...(await stage.emulator.secrets()), ...codes, 'key-of-the-receiver']
    assert.ok(secrets.length >= 8)
    for (const [place, text] of Object.entries(places)) {
      assert.ok(text.length > 50, `${place} was looked at`)
      for (const secret of secrets)
        assert.ok(!text.includes(secret), `${place} shows ${secret.slice(0, 4)}...`)
    }
    shown.close()
  } finally {
    await stage.close()
  }
})
