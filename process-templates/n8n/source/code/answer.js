import { consentLink, tokenOf } from '../shared/grant.js'
import { originOf } from '../shared/settings.js'

export const name = 'Read the answer'
export const notes = 'By the body, not status'

/**
 * Turns the answer of the authorization server into what is kept and what is said. It goes by the body, not by the
 * status alone: no usable answer is not a dead token.
 */
export default function readAnswer({ $, $input }) {
  const secretMissing =
    'client_secret is missing: the node "Ask the authorization server" has no credential, or n8n cannot read it'
  const work = $('What is to be done?').first().json
  const { row, settings, job, end } = work
  const { now } = job
  const answer = $input.first()?.json ?? {}
  const body = parse(answer.data ?? answer.body)
  const status = Number(answer.statusCode) || undefined
  const byCode = work.ask === 'authorization_code'
  const memory = { ...work.memory }
  const error =
    typeof body.error === 'string' && /^[\w.-]{1,60}$/.test(body.error) ? body.error : ''
  const result = { row, memory, settings, job, end: { kind: end.kind, warning: end.warning } }

  if (typeof body.access_token === 'string' && body.access_token !== '') received()
  else if (byCode) refuseCode(codeReason())
  else renewalFailed()
  return [{ json: result }]

  function parse(text) {
    if (text && typeof text === 'object') return text
    try {
      const value = JSON.parse(text)
      return value && typeof value === 'object' ? value : {}
    } catch {
      return {} // HTML, half an answer, or none
    }
  }

  /** Where the portal's methods are; the portal of the settings if the answer does not say it properly. */
  function endpoint() {
    const told = /^(https?:\/\/[^/?#]+)\/rest\/?$/i.exec(body.client_endpoint ?? '')
    try {
      return `${originOf(told?.[1], 'client_endpoint')}/rest/`
    } catch {
      return `${settings.portal}/rest/`
    }
  }

  function received() {
    const moved = row.member_id && row.member_id === body.member_id // the same portal under another name
    if (byCode && endpoint() !== `${settings.portal}/rest/` && !moved) {
      refuseCode(
        `The code belongs to another portal (${endpoint().slice(0, -6)}) than the one in the settings`,
      )
      return
    }
    const told = Number(body.expires_in ?? Number(body.expires) - now)
    const life = Number.isFinite(told) && told > 0 ? Math.min(told, 86400) : 3600
    result.pair = {
      access_token: body.access_token,
      // RFC 6749 section 6: no new refresh token means that the old one stays.
      refresh_token: String(body.refresh_token || (byCode ? '' : row.refresh_token)),
      expires_at: now + Math.floor(life), // by our own clock: the server's may differ
      client_endpoint: endpoint(),
      member_id: String(body.member_id ?? row.member_id ?? ''),
      user_id: String(body.user_id ?? (byCode ? '' : row.user_id) ?? ''),
      scope: String(body.scope ?? ''),
    }
    const { told: said, consent, used_state, seed, undelivered, notice } = memory
    result.memory = {
      ...{ told: said, consent, used_state, seed, undelivered },
      notice: byCode ? undefined : notice,
      received_at: now,
      renewals: byCode ? [] : [...(memory.renewals ?? []).filter((time) => time > now - 3600), now],
    }
    result.row = { ...row, ...result.pair }
    result.end.token = tokenOf(result.row, now)
    result.end.page = {
      status: 200,
      text: 'Done: n8n has received the token and keeps it from now on. You can close this page.',
    }
    if (byCode) compareScope()
  }

  function compareScope() {
    const words = (text) =>
      String(text ?? '')
        .split(/[\s,]+/)
        .filter(Boolean)
    const granted = words(body.scope).some((word) => word !== 'app')
      ? words(body.scope)
      : words(job.scope)
    const missing = words(settings.scope).filter((word) => !granted.includes(word))
    if (granted.length === 0 || missing.length === 0) return
    const reason = `The application has no right to: ${missing.join(', ')}. Widen its rights in the application's card in Bitrix24`
    result.notice = { state: 'scope', reason }
  }

  function codeReason() {
    if (error === 'invalid_grant' || error === 'expired_token')
      return 'The code was refused: it is older than 30 seconds or was used before (invalid_grant)'
    if (error) return `The code was refused by the authorization server (${error})`
    if (noSecret()) return secretMissing
    return `The authorization server gave no usable answer to the code (${status ?? 'no answer'}); the code cannot be tried twice`
  }

  function refuseCode(reason) {
    result.end.page = { status: 502, text: `${reason}. Open a new consent link.` }
    result.memory.code_refused = reason
    const word = { invalid_client: 'application_refused', PAYMENT_REQUIRED: 'payment' }[error]
    const fallback = row.refresh_token ? 'code_refused' : 'not_authorized'
    const link = consentLink(settings, result.memory, now)
    result.end.problem = {
      error: noSecret() ? 'client_secret_missing' : (word ?? fallback),
      error_description: reason,
      link,
    }
    if (row.refresh_token && !memory.refused)
      result.notice = { state: 'code_refused', reason: `${reason}. The earlier token stays in use` }
    else if (memory.told === 'not_authorized' || memory.told === 'needs_reauthorization')
      result.notice = { state: 'code_refused', reason }
  }

  function renewalFailed() {
    memory.attempt = undefined
    const lost = memory.lost_at
      ? `. The answer to an earlier attempt (${new Date(memory.lost_at * 1000).toISOString()}) was lost; the new token was in it`
      : ''
    const pauses = { application_refused: 3600, client_secret_missing: 3600, payment: 6 * 3600 }
    const state = meaning()
    let reason = `The authorization server refused the application (${error})`
    if (state === 'client_secret_missing') reason = secretMissing
    if (state === 'needs_reauthorization') {
      reason = `The authorization server refused the refresh token (${error})${lost}`
      Object.assign(memory, { refused: reason, retry_at: 0, trouble: undefined, failures: 0 })
    } else if (state === 'renewal_delayed') {
      memory.failures = (memory.failures ?? 0) + 1
      const pause = Math.min(settings.retry_seconds * 2 ** (memory.failures - 1), 1800)
      memory.retry_at = now + Math.ceil(pause * (0.9 + Math.random() * 0.2))
      if (!neverSent()) memory.lost_at ??= work.memory.attempt
      reason = `No usable answer from the authorization server (${error || (status ?? 'no answer')}), ${memory.failures} times in a row`
      if (memory.failures >= 5) memory.trouble = { state: 'unreachable', reason }
    } else {
      memory.retry_at = now + pauses[state]
      memory.trouble = { state, reason }
    }
    const left = Number(row.expires_at) - now
    if (left > 0 && row.access_token !== job.stale_token)
      result.end.token = { ...tokenOf(row, now), short: true }
    const again = memory.retry_at > now ? memory.retry_at - now : undefined
    const link = state === 'needs_reauthorization' ? consentLink(settings, memory, now) : undefined
    result.end.problem = { error: state, error_description: reason, retry_after: again, link }
    if (result.end.token && job.kind === 'token') delete result.end.problem
    else delete result.end.token
  }

  function meaning() {
    const refusals = [
      'invalid_client',
      'invalid_request',
      'invalid_scope',
      'insufficient_scope',
      'unauthorized_client',
      'wrong_client',
    ]
    if (noSecret()) return 'client_secret_missing'
    if (error === 'invalid_grant' || error === 'expired_token') return 'needs_reauthorization'
    if (refusals.includes(error)) return 'application_refused'
    return error === 'PAYMENT_REQUIRED' ? 'payment' : 'renewal_delayed'
  }

  /** What n8n says when the request was not even built. */
  function noSecret() {
    return status === undefined && /credential/i.test(complaint())
  }

  /** True if the request cannot have reached the server, so no answer can have been lost. */
  function neverSent() {
    return (
      error === 'QUERY_LIMIT_EXCEEDED' ||
      /ECONNREFUSED|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH/.test(complaint())
    )
  }

  function complaint() {
    if (typeof answer.error === 'string') return answer.error
    const { message = '', code = '', description = '' } = answer.error ?? {}
    return `${code} ${message} ${description}`
  }
}
