import assert from 'node:assert/strict'
import { names, portal } from '../support/stage.js'

export const link = (stage) =>
  `https://${portal}/oauth/authorize/?client_id=${stage.emulator.ready.client_id}`
export const spent = async (stage) =>
  (await stage.emulator.control('/counters')).authorization.refreshes

export async function started(stage) {
  await stage.add()
  assert.equal(stage.place, 'Active token')
  return stage.read('access_token')
}

/** To the moment when Bitrix24 has answered and Corezoid has not yet looked at it. */
export async function midRenewal(stage) {
  await stage.engine.run(stage.read('renew_at'))
  const asks = () => stage.engine.where(names.oauth, 'token') === 'Renew access_token'
  for (let n = 0; n < 60 && !asks(); n += 1) await stage.advance(1)
  assert.ok(asks(), 'the renewal is under way')
}

export const away = { kind: 'html', status: 502, when: 'before' }
export const person = "access_token doesn't update, a person is needed"
export const later = "access_token isn't renewed yet"
