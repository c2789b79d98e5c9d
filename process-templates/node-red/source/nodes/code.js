import { read, seconds } from '../shared/context.js'
import { readSettings, storeOf } from '../shared/settings.js'

export const name = 'New code? Our state?'
export const outputs = ['exchange it', 'no code', 'refused']
export const info = `A code from the redirect address is taken only with the \`state\` of our own consent link.
A code from the setting \`code\` is taken once: a new one wins over the token that is kept, an old one is ignored.

The code lives 30 seconds.`

/** Decides whether there is a code to exchange. */
export default async function newCode(msg, { env, flow }) {
  const work = msg.work
  const store = storeOf(env)
  const grant = await read(flow, 'bitrix24_grant', store)
  if (work.kind === 'start') {
    const { code } = readSettings(env)
    if (!code || code === grant.seed) return [null, msg, null]
    work.code = code
    return [msg, null, null]
  }

  const { code, state, scope } = msg.payload ?? {}
  delete msg.payload
  const consent = await read(flow, 'bitrix24_consent', store)
  const ours =
    typeof state === 'string' &&
    state === consent.state &&
    state !== grant.used_state &&
    seconds() < consent.until
  if (!ours) {
    const text =
      'This address was not opened from a consent link of this flow, or the link was used before. Get a new link in Node-RED and open that.'
    work.page = { status: 400, text }
    work.hint = 'a code with a wrong state was refused'
    return [null, null, msg]
  }
  if (typeof code !== 'string' || !/^[\x21-\x7e]{1,512}$/.test(code)) {
    work.page = { status: 400, text: 'Bitrix24 sent no code. Open the consent link again.' }
    return [null, null, msg]
  }
  work.code = code
  work.state = state
  work.granted_scope = typeof scope === 'string' ? scope : ''
  return [msg, null, null]
}
