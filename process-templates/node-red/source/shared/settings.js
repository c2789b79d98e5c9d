/**
 * The origin (scheme, host, port) that a person typed. Without a scheme it is https; http only on this machine.
 * The text itself never appears in the error: somebody may have pasted a webhook address with its secret.
 * @param {unknown} text
 * @param {string} field name of the setting, for the error
 * @returns {string}
 */
export function originOf(text, field) {
  const typed = String(text ?? '').trim()
  if (!typed) throw new Error(`${field} is empty in the settings of this tab`)
  let url
  try {
    url = new URL(/^[a-z][a-z0-9+.-]*:\/\//i.test(typed) ? typed : `https://${typed}`)
  } catch {
    throw new Error(`${field} is not an address; write it like example.bitrix24.com`)
  }
  const here = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/.test(url.hostname)
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && here)) {
    throw new Error(`${field} must use https (http is for 127.0.0.1 only)`)
  }
  if (!here && !url.hostname.includes('.')) {
    throw new Error(`${field} must be the whole host, for example example.bitrix24.com`)
  }
  if (url.username || url.password || url.search || url.hash || url.pathname !== '/') {
    throw new Error(`${field} must be a host only, without a path`)
  }
  return url.origin
}

/**
 * A number from the settings, within bounds. An empty field means the default.
 * @param {unknown} value
 * @param {string} field
 * @param {{default: number, min: number, max: number, off?: number}} bounds
 * @returns {number}
 */
export function numberOf(value, field, bounds) {
  if (value === undefined || value === null || value === '') return bounds.default
  const number = Number(value)
  if (number === bounds.off) return number
  if (!Number.isFinite(number) || number < bounds.min || number > bounds.max) {
    const off = bounds.off === undefined ? '' : `${bounds.off} (off) or `
    throw new Error(`${field} must be ${off}a number from ${bounds.min} to ${bounds.max}`)
  }
  return number
}

/** @returns {string} name of the context store that keeps the token */
export function storeOf(env) {
  return String(env.get('context_store') || 'disk').trim()
}

/**
 * The settings of this tab, checked. `problem` says what a person has to do.
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
  if (!text('portal') && !settings.client_id) {
    return {
      problem: {
        state: 'not_configured',
        reason: 'portal and client_id are empty in the settings of this tab',
      },
    }
  }
  try {
    settings.portal = originOf(env.get('portal'), 'portal')
    settings.authorization_server = originOf(
      env.get('authorization_server') || 'https://oauth.bitrix.info',
      'authorization_server',
    )
    if (!settings.client_id) throw new Error('client_id is empty in the settings of this tab')
    settings.keep_alive_days = numberOf(env.get('keep_alive_days'), 'keep_alive_days', {
      default: 20,
      min: 1,
      max: 25,
    })
    settings.fixed_renewal_minutes = numberOf(
      env.get('fixed_renewal_minutes'),
      'fixed_renewal_minutes',
      { default: 0, min: 20, max: 50, off: 0 },
    )
    settings.renewals_per_hour = numberOf(env.get('renewals_per_hour'), 'renewals_per_hour', {
      default: 3,
      min: 1,
      max: 30,
    })
    settings.retry_seconds = numberOf(env.get('retry_seconds'), 'retry_seconds', {
      default: 30,
      min: 1,
      max: 600,
    })
  } catch (error) {
    return { ...settings, problem: { state: 'settings', reason: error.message } }
  }
  if (!settings.client_secret) {
    const reason =
      'client_secret is missing. If it was filled in before, Node-RED could not decrypt its credentials (flows_cred.json): credentialSecret was changed or the file was not moved along'
    return { ...settings, problem: { state: 'client_secret_missing', reason } }
  }
  return settings
}
