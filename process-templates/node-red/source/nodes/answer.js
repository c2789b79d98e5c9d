import { originOf } from '../../../n8n/source/shared/settings.js'
import { read, seconds, write } from '../shared/context.js'
import { readSettings, storeOf } from '../shared/settings.js'

export const name = 'Read the answer, save it'
export const outputs = ['done', 'cannot save']
export const info = `Goes by the body of the answer, not by its status alone:

- a token pair: saved first, then handed out
- \`invalid_grant\`: the refresh token is spent or dead; only a new consent helps
- \`invalid_client\` and its kin, \`PAYMENT_REQUIRED\`: a person must act; asked again after a long pause
- anything else (no answer, 5xx, HTML): unclear, *not* dead. Asked again after 30 seconds, then 1, 2, 4 ... 30 minutes`

/** Turns the answer of the authorization server into what is kept and what is said. */
export default async function readAnswer(msg, { env, flow, node, setTimeout }) {
  const work = msg.work
  const settings = readSettings(env)
  const store = storeOf(env)
  const now = seconds()
  const body = parse(msg.payload)
  const status = msg.statusCode
  for (const key of [
    'payload',
    'headers',
    'url',
    'method',
    'responseUrl',
    'redirectList',
    'responseCookies',
  ])
    delete msg[key]
  const byCode = work.grant_type === 'authorization_code'
  const isPair = typeof body.access_token === 'string' && body.access_token !== ''
  const grant = await whateverItTakes(() => read(flow, 'bitrix24_grant', store))

  if (isPair) {
    const moved = grant.member_id && grant.member_id === body.member_id // the same portal under another name
    if (byCode && endpoint() !== `${settings.portal}/rest/` && !moved) {
      const told = endpoint().slice(0, -'/rest/'.length)
      const reason = `The code belongs to another portal (${told}) than the one in the settings`
      return refuseCode({ reason, end: 'code_of_another_portal' })
    }
    const next = byCode
      ? { ...kept(), seed: grant.seed, used_state: grant.used_state }
      : { ...grant, ...kept() }
    await whateverItTakes(() => write(flow, 'bitrix24_grant', next, store))
    work.saved = true
    work.finding = { state: 'ok' }
    if (byCode)
      work.page = {
        status: 200,
        text: 'Done: Node-RED has received the token and keeps it from now on. You can close this page.',
      }
    if (byCode) compareScope()
    return [msg, null]
  }

  const error =
    typeof body.error === 'string' && /^[\w.-]{1,60}$/.test(body.error) ? body.error : ''
  if (byCode) return refuseCode(refusal())
  return await keepFailure()

  function parse(text) {
    try {
      const value = JSON.parse(text)
      return value && typeof value === 'object' ? value : {}
    } catch {
      return {} // HTML, half an answer, or none
    }
  }

  /** Where the portal's methods are; the portal of the settings if the answer does not say it properly. */
  function endpoint() {
    try {
      return `${originOf(new URL(body.client_endpoint).origin, 'client_endpoint')}/rest/`
    } catch {
      return `${settings.portal}/rest/`
    }
  }

  /** The pair as it is kept. Expiry by our own clock: `expires` is the server's, and clocks differ. */
  function kept() {
    const told = Number(body.expires_in ?? Number(body.expires) - now)
    const life = Number.isFinite(told) && told > 0 ? Math.min(told, 86400) : 3600
    return {
      access_token: body.access_token,
      // RFC 6749 section 6: no new refresh token means that the old one stays.
      refresh_token: body.refresh_token || (byCode ? undefined : grant.refresh_token),
      expires_at: now + Math.floor(life),
      received_at: now,
      client_endpoint: endpoint(),
      member_id: body.member_id ?? grant.member_id,
      user_id: body.user_id ?? (byCode ? undefined : grant.user_id),
      scope: body.scope,
      renewals: byCode ? [] : [...(grant.renewals ?? []).filter((time) => time > now - 3600), now],
      failures: 0,
      retry_at: 0,
      attempt: undefined,
      lost_at: undefined,
      refused: undefined,
      trouble: undefined,
    }
  }

  /**
   * What is in hand exists nowhere else: neither reading nor writing gives up. Nobody gets a pair that is not saved, and
   * a pair that is not saved is not dropped either.
   */
  async function whateverItTakes(act) {
    for (let pause = 1; ; pause = Math.min(pause * 2, 30)) {
      try {
        const value = await act()
        if (pause > 1) node.status({})
        return value
      } catch {
        if (pause === 1) node.send([null, { work: { tell: trouble() } }])
        node.status({ fill: 'red', shape: 'dot', text: 'cannot save: do not stop Node-RED' })
        await new Promise((resolve) => {
          setTimeout(resolve, pause * 1000)
        })
      }
    }
  }

  function trouble() {
    const what = isPair ? 'A new token' : 'An answer of the authorization server'
    const reason = `${what} was received, but the context store cannot be read or written (disk full, too many open files?). It is tried again until it works; do not stop Node-RED`
    return { kind: 'escalation', state: 'store', reason, since: now }
  }

  function compareScope() {
    const words = (text) =>
      String(text ?? '')
        .split(/[\s,]+/)
        .filter(Boolean)
    const granted = words(body.scope).some((word) => word !== 'app')
      ? words(body.scope)
      : words(work.granted_scope)
    const missing = words(settings.scope).filter((word) => !granted.includes(word))
    if (granted.length === 0 || missing.length === 0) return
    work.notices = [
      {
        state: 'scope',
        reason: `The application has no right to: ${missing.join(', ')}. Widen its rights in the application's card in Bitrix24`,
      },
    ]
  }

  /** Why a code was not taken, and the end that says what to do. */
  function refusal() {
    const state = meaning()
    if (state === 'needs_reauthorization') {
      const reason =
        'The code was refused: it is older than 30 seconds or was used before (invalid_grant)'
      return { reason, end: 'code_expired' }
    }
    if (error) {
      const reason = `The code was refused by the authorization server (${error})`
      return { reason, end: state === 'unclear' ? 'code_refused' : state }
    }
    const reason = `The authorization server gave no usable answer to the code (${status ?? 'no answer'}); the code cannot be tried twice`
    return { reason, end: 'code_refused' }
  }

  function refuseCode({ reason, end }) {
    work.page = { status: 502, text: `${reason}. Open a new consent link.` }
    work.end = { state: end, reason }
    const usable = grant.refresh_token && !grant.refused
    if (!usable)
      work.finding = { state: grant.refused ? 'needs_reauthorization' : 'not_authorized', reason }
    const told = usable ? `${reason}. The earlier token stays in use` : reason
    work.notices = [{ state: 'code_refused', reason: told }]
    return [msg, null]
  }

  async function keepFailure() {
    const lost = grant.lost_at
      ? `. The answer to an earlier attempt (${new Date(grant.lost_at * 1000).toISOString()}) was lost; the new token was in it`
      : ''
    const pauses = { application_refused: 3600, payment: 6 * 3600 }
    const state = meaning()
    const failures = state === 'unclear' ? (grant.failures ?? 0) + 1 : (grant.failures ?? 0)
    const since = grant.attempt?.since ?? now
    const next = { ...grant, failures, attempt: undefined }
    if (state === 'needs_reauthorization') {
      const reason = `The authorization server refused the refresh token (${error})${lost}`
      Object.assign(next, { refused: reason, failures: 0, trouble: undefined })
      work.finding = { state, reason }
      work.outcome = { error: state, error_description: work.finding.reason }
    } else if (state === 'unclear') {
      const pause = Math.min(settings.retry_seconds * 2 ** (failures - 1), 1800)
      next.trouble = undefined
      next.retry_at = now + Math.ceil(pause * (0.9 + Math.random() * 0.2))
      if (!neverSent()) next.lost_at = grant.lost_at ?? since
      const reason = `No usable answer from the authorization server (${error || (status ?? 'no answer')}), ${failures} times in a row`
      if (failures >= 5) work.finding = { state: 'unreachable', reason }
      work.outcome = {
        error: 'renewal_delayed',
        error_description: reason,
        retry_after: next.retry_at - now,
      }
    } else {
      next.retry_at = now + pauses[state]
      const reason = `The authorization server refused the application (${error})`
      next.trouble = { state, reason }
      work.finding = next.trouble
      work.outcome = {
        error: state,
        error_description: work.finding.reason,
        retry_after: pauses[state],
      }
    }
    try {
      await write(flow, 'bitrix24_grant', next, store)
    } catch {
      node.warn('The outcome of a failed renewal could not be written to the context store')
    }
    return [msg, null]
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
    if (error === 'invalid_grant' || error === 'expired_token') return 'needs_reauthorization'
    if (refusals.includes(error)) return 'application_refused'
    return error === 'PAYMENT_REQUIRED' ? 'payment' : 'unclear'
  }

  /** True if the request cannot have reached the server, so no answer can have been lost. */
  function neverSent() {
    const codes = ['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH']
    return codes.includes(status) || error === 'QUERY_LIMIT_EXCEEDED'
  }
}
