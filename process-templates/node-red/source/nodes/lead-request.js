export const name = 'crm.lead.add'
export const outputs = ['call the portal', 'no token']
export const info =
  'Builds the call with the token that was just handed out. The token goes in the body, not in the address.'

/** The call to the portal, or the reason why there is none. */
export default function leadRequest(msg) {
  const { token, lead } = msg
  delete msg.token
  if (token.error) {
    msg.payload = { error: token.error, error_description: token.error_description }
    return [null, msg]
  }
  msg.used_token = token.access_token
  msg.method = 'POST'
  msg.url = `${token.client_endpoint}crm.lead.add.json`
  msg.headers = { 'content-type': 'application/json' }
  msg.payload = { auth: token.access_token, fields: lead }
  msg.followRedirects = false
  return [msg, null]
}
