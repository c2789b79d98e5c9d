import { consentLink, needsConsent } from '../shared/consent.js'
import { readSettings, storeOf } from '../shared/settings.js'
import { adviceFor } from '../shared/words.js'

export const name = 'Write the message'
export const outputs = ['message to the author', 'to alert_url']
export const info = `\`msg.payload\`: \`id\`, \`kind\` (escalation, recovery or notice), \`title\`, \`text\`, \`portal\`, \`client_id\`, \`state\`, \`reason\`, \`since\` and, where consent is needed, \`link\`.

Wire your own channel to the first output: an e-mail, Telegram or Slack node. It gets each message once. No secret is ever in it.
The second output leads to \`alert_url\` and repeats a message until it has arrived there.`

/** Words for a person: what happened, where, and what to do next. */
export default async function writeMessage(msg, { env, flow }) {
  const { tell, post } = msg.work
  const settings = readSettings(env)
  const portal = settings.portal ?? ''
  const { link, note } = needsConsent(tell.state)
    ? await consentLink(flow, settings, storeOf(env))
    : {}
  const title = {
    escalation: '"access_token" is not renewed: escalation to the process author',
    recovery: '"access_token" is renewed again',
    notice: tell.state === 'ok' ? 'Bitrix24 token received' : 'Bitrix24 token: please note',
  }[tell.kind]
  const since = new Date(tell.since * 1000).toISOString()
  const reason = tell.reason ?? (tell.was ? `Over: ${tell.was.replaceAll('_', ' ')}` : '')
  const text = [
    title,
    `Portal: ${portal || 'not set'}`,
    `Application: ${settings.client_id || 'not set'}`,
    reason && `Reason: ${reason}`,
    `Since: ${since}`,
    adviceFor(tell.state, note),
    link && `Link: ${link}`,
  ]
  msg.payload = {
    id: tell.id,
    kind: tell.kind,
    title,
    text: text.filter(Boolean).join('\n'),
    portal,
    client_id: settings.client_id,
    state: tell.state,
    reason,
    since,
  }
  if (link) msg.payload.link = link
  delete msg.work
  return post ? [null, msg] : [msg, null]
}
