export const name = "Read the portal's answer"
export const notes = 'Repeats at most once'

/** Repeats only what certainly did not run: `expired_token` means that the portal did not run the call. After anything else the lead may exist. */
export default function readPortal({ $, $input, $runIndex }) {
  const answer = $input.first()?.json ?? {}
  let body = {}
  try {
    body = JSON.parse(answer.data) ?? {}
  } catch {
    // HTML or no answer
  }
  if (body.result) return [{ json: { action: 'created', lead_id: body.result } }]
  if (['expired_token', 'invalid_token'].includes(body.error) && $runIndex === 0)
    return [
      { json: { action: 'again', stale_token: $('Ask for the token').first().json.access_token } },
    ]
  const error = String(
    body.error ?? `no usable answer (${answer.statusCode ?? 'nothing came back'})`,
  )
  const error_description = String(
    body.error_description ?? 'The lead may or may not exist; look before you repeat',
  )
  return [{ json: { action: 'failed', error, error_description } }]
}
