import { read, seconds, write } from '../shared/context.js'
import { readSettings, storeOf } from '../shared/settings.js'

export const name = 'Write down the attempt'
export const outputs = ['ask', 'cannot write']
export const info = `The attempt is written before the secret leaves: that proves that the store takes the answer, and after a crash it tells that one may be lost.
Secrets go in the body of a POST, never in an address; redirects are not followed.`

/** Builds the request to the authorization server. */
export default async function ask(msg, { env, flow }) {
  const work = msg.work
  const settings = readSettings(env)
  const store = storeOf(env)
  const grant = await read(flow, 'bitrix24_grant', store)
  const form = { client_id: settings.client_id, client_secret: settings.client_secret }
  if (work.code) {
    Object.assign(form, { grant_type: 'authorization_code', code: work.code })
    if (work.kind === 'start') grant.seed = work.code
    if (work.state) grant.used_state = work.state
  } else {
    Object.assign(form, { grant_type: 'refresh_token', refresh_token: grant.refresh_token })
    if (grant.attempt) grant.lost_at ??= grant.attempt.since
    grant.attempt = { since: seconds() }
  }
  work.grant_type = form.grant_type
  delete work.code
  delete work.state
  try {
    await write(flow, 'bitrix24_grant', grant, store)
  } catch {
    work.finding = {
      state: 'store',
      reason:
        'The context store of Node-RED cannot be written (disk full, or no right to write?); nothing was sent',
    }
    work.outcome = { error: 'store_not_writable', error_description: work.finding.reason }
    work.page = {
      status: 503,
      text: "The token could not be kept, so none was asked for. Look at Node-RED's log.",
    }
    return [null, msg]
  }
  msg.method = 'POST'
  msg.url = `${settings.authorization_server}/oauth/token/`
  msg.headers = { 'content-type': 'application/x-www-form-urlencoded', accept: 'application/json' }
  msg.payload = form
  msg.followRedirects = false
  msg.requestTimeout = 120_000
  return [msg, null]
}
