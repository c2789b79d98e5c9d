import { read, seconds } from './context.js'

/**
 * The address a person opens to give consent. Without a state of ours the redirect is refused, so the person is told
 * the other way.
 * @param {{get: Function}} flow
 * @param {{portal?: string, client_id: string}} settings
 * @param {string} store
 * @returns {Promise<{link?: string, note: string}>} `note` is for the advice
 */
export async function consentLink(flow, settings, store) {
  if (!settings.portal || !settings.client_id) return { note: '' }
  const link = `${settings.portal}/oauth/authorize/?client_id=${encodeURIComponent(settings.client_id)}`
  try {
    const consent = await read(flow, 'bitrix24_consent', store)
    const grant = await read(flow, 'bitrix24_grant', store)
    if (consent.state && consent.state !== grant.used_state && consent.until > seconds())
      return { link: `${link}&state=${consent.state}`, note: ' It works once, for 7 days.' }
  } catch {
    // the store is broken: the link below needs none
  }
  return {
    link,
    note: ' Then copy "code" from the address bar into the setting "code" of the tab and press Deploy, within 30 seconds.',
  }
}

/**
 * @param {string} state
 * @returns {boolean} whether a new consent is what helps
 */
export function needsConsent(state) {
  return [
    'needs_reauthorization',
    'not_authorized',
    'code_refused',
    'code_expired',
    'code_of_another_portal',
  ].includes(state)
}
