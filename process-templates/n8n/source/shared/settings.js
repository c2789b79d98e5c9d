/**
 * The origin (scheme, host, port) that a person typed. Without a scheme it is https; http only on this machine.
 * The text itself never appears in the error: somebody may have pasted a webhook address with its secret.
 * @param {unknown} text
 * @param {string} field name of the setting, for the error
 * @returns {string}
 */
export function originOf(text, field) {
  const typed = String(text ?? '').trim()
  if (!typed) throw new Error(`${field} is empty in the node Settings`)
  const parts =
    /^(?:([a-z][a-z0-9+.-]*):\/\/)?([a-z0-9](?:[a-z0-9.-]*[a-z0-9])?|\[::1\])(:\d{1,5})?\/?$/i.exec(
      typed,
    )
  if (!parts)
    throw new Error(
      `${field} must be a host only, like example.bitrix24.com: without a path, a user or a question mark`,
    )
  const [, scheme = 'https', host, port = ''] = parts
  const here = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/i.test(host)
  if (!/^https$/i.test(scheme) && !(/^http$/i.test(scheme) && here))
    throw new Error(`${field} must use https (http is for 127.0.0.1 only); write the host alone`)
  return `${scheme}://${host}${port}`.toLowerCase()
}

/**
 * The portal as a person names it: a host, or the bare name of a portal on bitrix24.com.
 * @param {unknown} text
 * @returns {string} origin
 */
export function portalOf(text) {
  const typed = String(text ?? '').trim()
  if (/^[a-z0-9][a-z0-9-]*$/i.test(typed) && !/^localhost$/i.test(typed))
    return `https://${typed.toLowerCase()}.bitrix24.com`
  return originOf(typed, 'portal')
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

/**
 * The settings, checked. `problem` says what a person has to do; with a `warning` the token is kept all the same.
 * @param {Record<string, unknown>} typed output of the node Settings
 */
export function readSettings(typed) {
  const text = (name) => String(typed[name] ?? '').trim()
  const settings = {
    client_id: text('client_id'),
    code: text('code'),
    scope: text('scope'),
    reference: text('reference') || 'token',
    alert_url: text('alert_url'),
  }
  if (!/^https?:\/\/[^\s/]/i.test(settings.alert_url))
    settings.warning = `alert_url ${settings.alert_url ? 'does not begin with https://' : 'is empty'}: when the token cannot be renewed, nobody is told`
  try {
    settings.portal = portalOf(typed.portal)
    settings.authorization_server = originOf(
      text('authorization_server') || 'https://oauth.bitrix.info',
      'authorization_server',
    )
    if (!settings.client_id) throw new Error('client_id is empty in the node Settings')
    if (!/^[\w.-]{1,200}$/.test(settings.client_id))
      throw new Error('client_id may contain letters, digits, dots, dashes and underscores only')
    if (settings.code && !/^[\x21-\x7e]{1,512}$/.test(settings.code))
      throw new Error('code must be the text between "code=" and "&" of the address, nothing else')
    const numbers = {
      keep_alive_days: { default: 20, min: 1, max: 25 },
      fixed_renewal_minutes: { default: 0, min: 20, max: 50, off: 0 },
      renewals_per_hour: { default: 3, min: 1, max: 30 },
      retry_seconds: { default: 30, min: 1, max: 600 },
    }
    for (const [field, bounds] of Object.entries(numbers))
      settings[field] = numberOf(typed[field], field, bounds)
  } catch (error) {
    settings.problem = { state: 'settings', reason: error.message }
  }
  return settings
}
