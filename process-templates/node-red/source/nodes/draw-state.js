import { read, seconds, write } from '../shared/context.js'
import { readSettings, storeOf } from '../shared/settings.js'

export const name = 'Draw a one-time state'
export const outputs = ['the link, for the button']
export const libs = [{ var: 'crypto', module: 'crypto' }]
export const info = `Keeps one unused \`state\` ready: a random text that goes out with the consent link and must come back with the code.
Without it anybody could send a code of their own to the redirect address. Valid for 7 days, once.

Needs \`functionExternalModules\` (on unless settings.js switches it off) for real random numbers. Where it is off, put the code into the setting \`code\` instead.`

/** Draws a state when the last one was used or is old; answers with the link when a person pressed the button. */
export default async function drawState(msg, { crypto, env, flow, node }) {
  const settings = readSettings(env)
  const store = storeOf(env)
  const wantsLink = msg.work?.kind === 'link'
  if (!settings.portal || !settings.client_id) {
    if (wantsLink)
      node.warn(
        `No consent link yet: ${settings.problem?.reason ?? 'fill in the settings of this tab'}`,
      )
    return null
  }
  const grant = await read(flow, 'bitrix24_grant', store)
  let consent = await read(flow, 'bitrix24_consent', store)
  if (!consent.state || consent.state === grant.used_state || consent.until < seconds() + 3600) {
    consent = { state: crypto.randomBytes(16).toString('hex'), until: seconds() + 7 * 86400 }
    await write(flow, 'bitrix24_consent', consent, store)
  }
  if (!wantsLink) return null
  return {
    payload: `${settings.portal}/oauth/authorize/?client_id=${encodeURIComponent(settings.client_id)}&state=${consent.state}`,
  }
}
