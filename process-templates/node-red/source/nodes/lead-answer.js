export const name = 'Created?'
export const outputs = ['created', 'token expired: once more', 'failed']
export const info = `\`expired_token\` means that the portal did not run the call: renew once and call again.
After anything else (no answer, 5xx) the lead may exist; the call is not repeated by itself.`

/** Reads the portal's answer; repeats once, and only what certainly did not run. */
export default function leadAnswer(msg) {
  const { lead, used_token, repeated, statusCode } = msg
  let body = {}
  try {
    body = JSON.parse(msg.payload) ?? {}
  } catch {
    // HTML or no answer
  }
  if (body.result) return [{ payload: { lead_id: body.result } }, null, null]
  if (['expired_token', 'invalid_token'].includes(body.error) && !repeated) {
    return [null, { lead, stale_token: used_token, repeated: true }, null]
  }
  const error = String(body.error ?? `no usable answer (${statusCode})`)
  return [
    null,
    null,
    {
      payload: {
        error,
        error_description: String(
          body.error_description ?? 'The lead may or may not exist; look before you repeat',
        ),
      },
    },
  ]
}
