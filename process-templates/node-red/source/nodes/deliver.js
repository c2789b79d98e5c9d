import { originOf } from '../../../n8n/source/shared/settings.js'

export const name = 'Send to alert_url'
export const outputs = ['POST', 'not an address']
export const info = `Where the setting \`alert_url\` is filled in, the message is posted there as JSON.
\`alert_key\`, if set, goes along as \`Authorization: Bearer\`. The address itself is no place for a secret: if Node-RED loses its credentials, this message must still arrive.`

/** Builds the POST of one message. */
export default function deliver(msg, { env, node }) {
  const address = String(env.get('alert_url') ?? '').trim()
  const key = String(env.get('alert_key') ?? '')
  msg.id = msg.payload.id
  try {
    const url = new URL(address)
    if (!/^https?:$/.test(url.protocol)) throw new Error('scheme')
    if (key) originOf(url.origin, 'alert_url')
  } catch {
    node.status({ fill: 'red', shape: 'dot', text: 'alert_url must be an https:// address' })
    msg.statusCode = 'not an address'
    return [null, msg]
  }
  node.status({})
  msg.method = 'POST'
  msg.url = address
  msg.headers = { 'content-type': 'application/json' }
  if (key) msg.headers.authorization = `Bearer ${key}`
  msg.followRedirects = false
  msg.requestTimeout = 30_000
  return [msg, null]
}
