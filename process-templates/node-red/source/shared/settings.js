import { numberOf, originOf, portalOf } from '../../../n8n/source/shared/settings.js'

/**
 * The portal as the template for n8n reads it, written as addresses are compared: without ":443".
 * @param {string} typed a host, or the bare name of a portal on bitrix24.com
 * @returns {string} origin
 */
export function portalIn(typed) {
  const origin = portalOf(typed)
  try {
    return new URL(origin).origin
  } catch {
    throw new Error('portal is not an address; write it like example.bitrix24.com')
  }
}

/** @returns {string} name of the context store that keeps the token */
export function storeOf(env) {
  return String(env.get('context_store') || 'disk').trim()
}

/**
 * The settings of this tab, checked. `problem` says what a person has to do, and its `end` which end a job comes to.
 * @param {{get: (name: string) => unknown}} env
 */
export function readSettings(env) {
  const text = (name) => String(env.get(name) ?? '').trim()
  const settings = {
    client_id: text('client_id'),
    client_secret: text('client_secret'),
    code: text('code'),
    scope: text('scope'),
  }
  const wrong = (state, end, reason) => ({ ...settings, problem: { state, end, reason } })
  const empty = ['portal', 'client_id'].filter((name) => !text(name))
  if (empty.length === 2)
    return wrong(
      'not_configured',
      'inputs_missing',
      'portal and client_id are empty in the settings of this tab',
    )
  if (empty.length === 1)
    return wrong('settings', 'inputs_missing', `${empty[0]} is empty in the settings of this tab`)
  try {
    settings.portal = portalIn(text('portal'))
  } catch (error) {
    return wrong('settings', 'portal_malformed', error.message)
  }
  try {
    settings.authorization_server = originOf(
      text('authorization_server') || 'https://oauth.bitrix.info',
      'authorization_server',
    )
    const numbers = {
      keep_alive_days: { default: 20, min: 1, max: 25 },
      fixed_renewal_minutes: { default: 0, min: 20, max: 50, off: 0 },
      renewals_per_hour: { default: 3, min: 1, max: 30 },
      retry_seconds: { default: 30, min: 1, max: 600 },
    }
    for (const [field, bounds] of Object.entries(numbers))
      settings[field] = numberOf(env.get(field), field, bounds)
  } catch (error) {
    return wrong('settings', 'settings', error.message)
  }
  if (!settings.client_secret)
    return wrong(
      'client_secret_missing',
      'inputs_missing',
      'client_secret is missing. If it was filled in before, Node-RED could not decrypt its credentials (flows_cred.json): credentialSecret was changed or the file was not moved along',
    )
  return settings
}
