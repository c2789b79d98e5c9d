import { read } from '../shared/context.js'
import { readSettings, storeOf } from '../shared/settings.js'

export const name = 'Write the message'
export const outputs = ['message to the author']
export const info = `\`msg.payload\`: \`kind\` (escalation, recovery or notice), \`title\`, \`text\`, \`portal\`, \`client_id\`, \`state\`, \`reason\`, \`since\` and, where consent is needed, \`link\`.

Wire your own channel here: an e-mail, Telegram or Slack node. No secret is ever in it.`

/** Words for a person: what happened, where, and what to do next. */
export default async function writeMessage(msg, { env, flow }) {
  const tell = msg.work.tell
  const settings = readSettings(env)
  const portal = settings.portal ?? ''
  const { link, note } = await consentLink()
  const advice = {
    needs_reauthorization: `Open the consent link as the user whose rights the flow uses.${note}`,
    not_authorized: `Open the consent link as the user whose rights the flow uses.${note}`,
    client_secret_missing:
      'Fill in client_secret again in the settings of the tab and press Deploy.',
    settings: 'Correct the settings of the tab and press Deploy.',
    application_refused:
      "Compare client_id and client_secret with the application's card in Bitrix24, and see that the application is installed. Press Deploy after a change.",
    payment:
      "The portal's plan or the application has to be paid. It is tried again every 6 hours.",
    unreachable:
      'Nothing is lost yet; it is tried again by itself. See whether this machine reaches the authorization server.',
    store: "Free the disk or correct the rights of Node-RED's folder.",
    storage:
      'In settings.js: contextStorage: { default: { module: "memory" }, disk: { module: "localfilesystem", config: { cache: false } } }',
  }[tell.state]
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
    advice,
    link && `Link: ${link}`,
  ]

  msg.payload = {
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
  return msg

  /** Without a state of ours the redirect is refused, so the person is told the other way. */
  async function consentLink() {
    if (!['needs_reauthorization', 'not_authorized'].includes(tell.state) || !portal)
      return { note: '' }
    const address = `${portal}/oauth/authorize/?client_id=${encodeURIComponent(settings.client_id)}`
    try {
      const consent = await read(flow, 'bitrix24_consent', storeOf(env))
      const grant = await read(flow, 'bitrix24_grant', storeOf(env))
      if (consent.state && consent.state !== grant.used_state && consent.until > tell.since)
        return { link: `${address}&state=${consent.state}`, note: ' It works once, for 7 days.' }
    } catch {
      // the store is broken: the link below needs none
    }
    return {
      link: address,
      note: ' Then copy "code" from the address bar into the setting "code" of the tab and press Deploy, within 30 seconds.',
    }
  }
}
