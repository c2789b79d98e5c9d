// What is answered has to be kept: a row that somebody deleted, a database that does not take it.
import assert from 'node:assert/strict'
import { until } from '../../../test-support/wait.js'

/**
 * @param {ReturnType<import('../../../test-support/table.js').scenarios>} scenario
 * @param {import('../support/stage.js').Stage} stage
 */
export function saving(scenario, stage) {
  const refreshes = () => stage.emulator.refreshes()
  const late = { at: 'token', kind: 'late', delay_ms: 3000, times: 1 }

  scenario(
    'saving: the row was deleted while a renewal was under way; the pair is kept',
    async () => {
      await stage.authorized()
      await stage.advance(3700)
      await stage.emulator.control('/faults', late)
      const asked = stage.token()
      await until('the request', async () => (await stage.emulator.faults()) === 0, 30_000)
      stage.deleteRow()
      const { access_token, short } = await asked
      assert.ok(access_token && !short)
      assert.equal(stage.row().access_token, access_token)
      assert.equal(stage.row().lock_until, 0, 'the turn was given back')
      await stage.advance(3700)
      assert.ok((await stage.token()).access_token, 'it is renewed as before')
      assert.equal(await refreshes(), 2)
      assert.equal(stage.sink.alerts.length, 0)
    },
  )

  scenario('saving: a database that fails for a while is waited for', async () => {
    await stage.authorized()
    await stage.advance(3700)
    const before = stage.begun('Save the pair')
    stage.refuseToSave()
    const asked = stage.token()
    try {
      await until('three tries', () => stage.begun('Save the pair') >= before + 3, 60_000)
    } finally {
      stage.saveAgain()
    }
    const { access_token, short } = await asked
    assert.ok(access_token && !short)
    assert.equal(stage.row().access_token, access_token)
    assert.equal(await stage.asked(), 2, 'the server was asked once')
    assert.equal(stage.sink.alerts.length, 0)
  })

  scenario('saving: a database that stays broken is told truthfully; consent helps', async () => {
    const edit = (workflow) => {
      workflow.nodes.find(({ name }) => name === 'Wait five seconds').parameters.amount = 0.1
    }
    await stage.authorized({ edit })
    await stage.advance(3700)
    const before = stage.begun('Save the pair')
    stage.refuseToSave()
    try {
      assert.equal((await stage.token()).access_token, undefined)
    } finally {
      stage.saveAgain()
    }
    assert.equal(stage.begun('Save the pair') - before, 15)
    await until('the error is told', () => stage.broken().length > 0)
    const [broken] = stage.broken()
    assert.equal(broken.state, 'workflow_error')
    assert.equal(broken.node, 'The pair could not be saved')
    assert.match(broken.reason, /could not write to the data table bitrix24_tokens/)
    assert.match(broken.text, /that pair is lost/)
    assert.doesNotMatch(broken.text, /untouched/)

    await stage.advance(180)
    await stage.tick()
    const alert = await stage.sink.alert('escalation', 'needs_reauthorization')
    assert.match(alert.reason, /answer to an earlier attempt .* was lost/)
    assert.equal((await stage.openLink(alert.link)).status, 200)
    await stage.sink.alert('recovery')
    assert.ok((await stage.token()).access_token)
  })
}
