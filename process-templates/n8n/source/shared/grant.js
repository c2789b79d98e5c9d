/**
 * The bookkeeping beside the token: what was tried, what was told, which state goes with the consent link.
 * @param {{memory?: string}} row of the data table
 * @returns {Record<string, any>}
 */
export function memoryOf(row) {
  try {
    const memory = JSON.parse(row.memory)
    return memory && typeof memory === 'object' ? memory : {}
  } catch {
    return {} // a new row, or one that was edited by hand
  }
}

/**
 * What state the authorization is in, from what is kept. A change of this word is what the author is told.
 * @param {Record<string, any>} row
 * @param {Record<string, any>} memory
 * @param {{problem?: {state: string, reason: string}}} settings
 * @returns {{state: string, reason: string}}
 */
export function stateOf(row, memory, settings) {
  if (settings.problem) return settings.problem
  if (!row.refresh_token)
    return {
      state: 'not_authorized',
      reason: memory.code_refused ?? 'Nobody has given consent yet',
    }
  if (memory.refused) return { state: 'needs_reauthorization', reason: memory.refused }
  return memory.trouble ?? { state: 'ok', reason: '' }
}

/**
 * The address a person opens to give consent. With a state of ours the code comes back by itself.
 * @param {{portal?: string, client_id: string}} settings
 * @param {Record<string, any>} memory
 * @param {number} now
 */
export function consentLink(settings, memory, now) {
  if (!settings.portal || !settings.client_id) return ''
  const address = `${settings.portal}/oauth/authorize/?client_id=${encodeURIComponent(settings.client_id)}`
  return isOpen(memory, now) ? `${address}&state=${memory.consent.state}` : address
}

/**
 * Is there a state that was drawn and not used?
 * @param {Record<string, any>} memory
 * @param {number} now
 */
export function isOpen(memory, now) {
  const { consent, used_state } = memory
  return Boolean(consent?.state) && consent.state !== used_state && now < consent.until
}

/**
 * What a reader gets: the token as long as it lives.
 * @param {Record<string, any>} row
 * @param {number} now
 */
export function tokenOf(row, now) {
  return {
    access_token: row.access_token,
    expires_at: Number(row.expires_at),
    expires_in: Number(row.expires_at) - now,
    client_endpoint: row.client_endpoint,
    member_id: row.member_id,
    user_id: row.user_id,
  }
}
