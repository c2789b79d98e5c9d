import { read, seconds } from '../shared/context.js'
import { readSettings, storeOf } from '../shared/settings.js'

export const name = 'Is a renewal due?'
export const outputs = ['yes', 'no']
export const info = `Due when somebody asks and less life is left than wanted, when an earlier attempt ended unclear and its pause is over,
or, rarely, to keep an unused refresh token from dying (\`keep_alive_days\`).

\`fixed_renewal_minutes\` (off) renews by the clock, as the Corezoid process did every 25 minutes.
Bitrix24 asks not to do that and may block applications that do; switch it on only for readers that cannot ask.`

/** Decides whether the refresh token is to be spent now. */
export default async function renewalDue(msg, { env, flow }) {
  const work = msg.work
  const settings = readSettings(env)
  const grant = await read(flow, 'bitrix24_grant', storeOf(env))
  const now = seconds()
  const no = (outcome) => {
    if (outcome) work.outcome = outcome
    return [null, msg]
  }

  if (!grant.refresh_token) {
    // Not right after Deploy: the person may be on the way to give consent.
    if (work.kind !== 'start')
      work.finding = {
        state: 'not_authorized',
        reason:
          'No token is kept: nobody has given consent yet, or the token was lost at a restart',
      }
    return no({
      error: 'not_authorized',
      error_description: 'There is no consent yet: open the consent link',
    })
  }
  if (grant.refused) {
    // Found again, in case a crash came before it was told.
    work.finding = { state: 'needs_reauthorization', reason: grant.refused }
    return no({ error: work.finding.state, error_description: work.finding.reason })
  }
  if (!isWanted()) {
    work.finding = { state: 'ok' }
    return no()
  }
  // A person who has corrected the settings and pressed Deploy need not wait for the pause to end.
  const corrected = work.kind === 'start' && grant.trouble?.state === 'application_refused'
  if (now < (grant.retry_at ?? 0) && !corrected) {
    const { state = 'renewal_delayed', reason } = grant.trouble ?? {}
    const error_description =
      reason ??
      'The last renewal failed or its answer was lost; the next attempt is made after a pause'
    return no({ error: state, error_description, retry_after: grant.retry_at - now })
  }
  const lately = (grant.renewals ?? []).filter((time) => time > now - 3600)
  if (work.kind === 'renew' && lately.length >= settings.renewals_per_hour) {
    const error_description = `Renewed ${lately.length} times within the hour (renewals_per_hour); Bitrix24 blocks applications that renew too often`
    work.hint = 'too many renewals within the hour'
    return no({
      error: 'too_many_renewals',
      error_description,
      retry_after: lately[0] + 3600 - now,
    })
  }
  return [msg, null]

  function isWanted() {
    if (work.kind === 'renew') {
      const left = grant.expires_at - now
      return work.demands.some(
        (demand) => left <= 0 || left < demand.min_ttl || demand.stale_token === grant.access_token,
      )
    }
    const age = now - grant.received_at
    if (grant.retry_at > 0 || grant.attempt) return true // begun before and not finished
    if (settings.fixed_renewal_minutes > 0 && age >= settings.fixed_renewal_minutes * 60)
      return true
    return age >= settings.keep_alive_days * 86400
  }
}
