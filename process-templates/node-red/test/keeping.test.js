// What survives: restarts, kill -9, moved servers, and what is said where nothing can survive.
import assert from 'node:assert/strict'
import { scenarios } from '../../test-support/table.js'
import { until } from '../../test-support/wait.js'
import { product } from './support/install.js'
import { Stage } from './support/stage.js'

const test = scenarios(`${product}: what survives`)

/** @param {(stage: Stage) => Promise<void>} act */
const on = (settings, act) => async () => {
  const stage = await Stage.open(settings)
  try {
    await act(stage)
  } finally {
    await stage.close()
  }
}

for (const signal of ['SIGTERM', 'SIGKILL']) {
  test(
    `${signal} right after a renewal: the new pair is kept`,
    on({}, async (stage) => {
      await stage.authorized()
      await stage.advance(3700)
      const { access_token } = await stage.token()
      await stage.nodeRed.end(signal)
      await stage.nodeRed.start()
      assert.equal((await stage.token()).access_token, access_token)
      await stage.advance(3700)
      assert.ok((await stage.token()).access_token, 'the refresh token is the current one')
      assert.equal(await stage.emulator.refreshes(), 2)
      assert.equal(stage.count('escalation'), 0)
    }),
  )
}

test(
  'SIGKILL between the answer and the save: told with the reason; the old token is readable',
  on({}, async (stage) => {
    const first = await stage.authorized()
    await stage.advance(2000)
    const fault = { at: 'token', kind: 'late', delay_ms: 2000, times: 1 }
    await stage.emulator.control('/faults', fault)
    const cut = stage.token({ min_ttl: 3000 }).catch(() => undefined)
    await until('the request', async () => (await stage.emulator.faults()) === 0)
    await stage.nodeRed.end('SIGKILL')
    await cut
    await until('the server rotates', async () => (await stage.emulator.refreshes()) === 1)
    await stage.nodeRed.start()
    await stage.tick()
    assert.equal((await stage.token()).access_token, first.access_token)
    const alert = await stage.alert('escalation', 'needs_reauthorization')
    assert.match(alert.reason, /answer to an earlier attempt .* was lost/)
    assert.equal(stage.count('escalation'), 1)
  }),
)

test(
  'a re-import with the old code changes nothing; with a new code it wins, also over a dead token',
  on({}, async (stage) => {
    const code = await stage.emulator.code()
    const first = await stage.authorized({ code })
    await stage.import({ code })
    await stage.tick()
    assert.equal((await stage.token()).access_token, first.access_token)
    await stage.emulator.control('/revoke', { user_id: 1 })
    await stage.advance(3700)
    assert.equal((await stage.token()).error, 'needs_reauthorization')
    await stage.import({ code: await stage.emulator.code() })
    await stage.alert('recovery')
    assert.ok((await stage.token()).access_token)
    await stage.nodeRed.end()
    await stage.nodeRed.start()
    assert.ok((await stage.token()).access_token, 'the new one, after a restart too')
  }),
)

test(
  'a state that was told stays told over a restart',
  on({}, async (stage) => {
    await stage.authorized()
    await stage.emulator.control('/revoke', { user_id: 1 })
    await stage.advance(3700)
    await stage.token()
    await stage.alert('escalation', 'needs_reauthorization')
    await stage.delivered()
    await stage.nodeRed.end()
    await stage.nodeRed.start()
    for (let n = 0; n < 3; n += 1) await stage.tick()
    assert.equal((await stage.token()).error, 'needs_reauthorization')
    assert.equal(stage.count('escalation'), 1)
  }),
)

test(
  'a stock settings.js keeps the token in memory only: that is told, and so is the loss',
  on({ contextStorage: undefined }, async (stage) => {
    await stage.authorized()
    const notice = await stage.alert('notice', 'storage')
    assert.match(notice.reason, /no context store "disk"/)
    assert.match(notice.text, /contextStorage: \{ default/)
    for (let n = 0; n < 3; n += 1) await stage.tick()
    assert.equal(stage.count('notice', 'storage'), 1)
    await stage.nodeRed.end()
    await stage.nodeRed.start({ contextStorage: undefined })
    await stage.nodeRed.press('b24oauth-start') // the code is spent by now
    const lost = await stage.alert('notice', 'not_authorized')
    assert.match(lost.reason, /code was refused/)
    assert.equal(await stage.emulator.refreshes(), 0)
  }),
)

test(
  'a store that writes with a delay is told',
  on(
    { contextStorage: { default: { module: 'memory' }, disk: { module: 'localfilesystem' } } },
    async (stage) => {
      await stage.authorized()
      const notice = await stage.alert('notice', 'storage')
      assert.match(notice.reason, /writes with a delay/)
    },
  ),
)

test(
  'a changed credentialSecret is told as a missing client_secret; the token that is kept stays readable',
  on({}, async (stage) => {
    const first = await stage.authorized()
    await stage.nodeRed.end()
    await stage.nodeRed.start({ credentialSecret: 'another key' })
    await stage.tick()
    const alert = await stage.alert('escalation', 'client_secret_missing')
    assert.match(alert.reason, /credentialSecret/)
    assert.equal((await stage.token()).access_token, first.access_token)
    await stage.advance(3700)
    assert.equal((await stage.token()).error, 'client_secret_missing')
    assert.equal(await stage.asked(), 1, 'nothing is sent without the secret')
    assert.equal(stage.count('escalation'), 1)

    await stage.import({ alert_key: '' })
    assert.ok((await stage.token()).access_token)
    await stage.alert('recovery')
  }),
)

test(
  'a store that cannot be read or written: nothing is sent, and it is told',
  on({}, async (stage) => {
    await stage.authorized()
    await stage.settled()
    const mend = stage.nodeRed.breakStore()
    await stage.advance(3700)
    assert.match((await stage.token()).error, /^store_/)
    for (let n = 0; n < 3; n += 1) await stage.tick()
    await stage.alert('escalation', 'store')
    assert.equal(stage.count('escalation'), 1)
    assert.equal(await stage.emulator.refreshes(), 0)

    mend()
    assert.ok((await stage.token()).access_token)
    await stage.alert('recovery')
  }),
)

test(
  'where settings.js forbids modules in functions, a code by hand still works',
  on({ functionExternalModules: false }, async (stage) => {
    await stage.authorized()
    await stage.advance(3700)
    assert.ok((await stage.token()).access_token)
    assert.equal(await stage.emulator.refreshes(), 1)
    await stage.emulator.control('/revoke', { user_id: 1 })
    await stage.advance(3700)
    await stage.token()
    const alert = await stage.alert('escalation', 'needs_reauthorization')
    assert.match(alert.text, /into the setting "code"/)
    assert.ok(!alert.link.includes('state='))
  }),
)
