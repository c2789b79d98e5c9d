import { read, seconds } from '../shared/context.js'
import { storeOf } from '../shared/settings.js'

export const name = 'Enough life left?'
export const outputs = ['answer', 'renew']
export const info = `In: \`msg.min_ttl\` (seconds the token must still live, 0 to 3000, default 60) and, when the portal answered \`expired_token\`,
\`msg.stale_token\` (the token that was refused).

Out: \`msg.token\` with \`access_token\`, \`expires_at\` (Unix time), \`expires_in\`, \`client_endpoint\`, \`member_id\`, \`user_id\`;
\`short: true\` says that it lives, but not as long as was asked, because it cannot be renewed just now.
Without a token: \`error\`, \`error_description\` and, where it makes sense, \`retry_after\` (seconds).`

/** Answers from what is kept; asks for a renewal only if less life is left than wanted. */
export default async function enoughLife(msg, { env, flow }) {
  const outcome = msg.renewal
  delete msg.renewal
  const answer = (token) => {
    delete msg.min_ttl
    delete msg.stale_token
    msg.token = token
    return [msg, null]
  }

  const wanted = msg.min_ttl === undefined ? 60 : Number(msg.min_ttl)
  if (!Number.isFinite(wanted) || wanted < 0 || wanted > 3000) {
    return answer({
      error: 'invalid_request',
      error_description: 'msg.min_ttl must be a number of seconds from 0 to 3000',
    })
  }
  msg.min_ttl = wanted

  let grant
  try {
    grant = await read(flow, 'bitrix24_grant', storeOf(env))
  } catch {
    return answer({
      error: 'store_unreadable',
      error_description: 'The context store of Node-RED cannot be read',
    })
  }
  const left = (grant.expires_at ?? 0) - seconds()
  const usable = Boolean(grant.access_token) && grant.access_token !== msg.stale_token && left > 0
  const token = {
    access_token: grant.access_token,
    expires_at: grant.expires_at,
    expires_in: left,
    client_endpoint: grant.client_endpoint,
    member_id: grant.member_id,
    user_id: grant.user_id,
  }
  if (usable && left >= wanted) return answer(token)
  if (!outcome) return [null, msg]
  return answer(usable ? { ...token, short: true } : outcome)
}
