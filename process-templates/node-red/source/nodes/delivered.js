import { numberOf } from '../shared/settings.js'

export const name = 'Delivered?'
export const outputs = ['again, later']
export const info =
  'A message that did not arrive is sent again after a pause that doubles, 8 times in all.'

/** Tries again if the receiver did not answer with 2xx. */
export default function delivered(msg, { env, node }) {
  const { attempts, alert, statusCode } = msg
  if (Number(statusCode) >= 200 && Number(statusCode) < 300) {
    node.status({ fill: 'green', shape: 'dot', text: `${alert.kind} delivered` })
    return null
  }
  if (attempts >= 8) {
    node.error(`The ${alert.kind} could not be delivered to alert_url (${statusCode})`)
    node.status({ fill: 'red', shape: 'dot', text: 'not delivered' })
    return null
  }
  let first = 30
  try {
    first = numberOf(env.get('retry_seconds'), 'retry_seconds', { default: 30, min: 1, max: 600 })
  } catch {
    // a wrong number must not lose the message
  }
  node.status({ fill: 'yellow', shape: 'ring', text: `again, attempt ${attempts} failed` })
  return { alert, attempts, delay: Math.min(first * 2 ** (attempts - 1), 1800) * 1000 }
}
