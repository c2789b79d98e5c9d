import { consentLink, isOpen, memoryOf, stateOf, tokenOf } from '../shared/grant.js'
import { readSettings } from '../shared/settings.js'

export const name = 'What is to be done?'
export const notes = 'Reading needs no turn'

/**
 * Compares what is asked with what is kept. Reading needs no turn; only to spend something or to tell something does. `action`: first (there is no row yet), turn (get in line), wait (another one works),
 * ask (the authorization server), tell (nothing to ask, but something to write down or to tell) or end.
 */
export default function decide({ $, $input, $runIndex }) {
  const typed = $('What time is it?').first().json
  const now = Math.floor(Date.parse(typed.now) / 1000)
  const job = { ...typed.job, now }
  const settings = readSettings(typed)
  const row = $input.first()?.json ?? {}
  const memory = memoryOf(row)
  const mine = row.lock_owner === String(job.run)
  const left = Number(row.expires_at ?? 0) - now
  const usable = Boolean(row.access_token) && left > 0 && row.access_token !== job.stale_token
  const wanted = wantedLife()
  const work = assess()
  const state = stateOf(row, memory, settings)
  const next = action()
  const { token, problem, page } = work
  const attempt = next === 'ask' ? writtenDown() : memory
  return [
    {
      json: {
        action: next,
        ask: work.ask,
        secret: work.secret,
        end: { kind: job.kind, token, problem, page, warning: warning() },
        row,
        memory: attempt,
        settings,
        job,
      },
    },
  ]

  /** The attempt is in the table before the secret leaves: after a crash it tells that an answer may be lost. */
  function writtenDown() {
    const next = { ...memory }
    if (work.ask === 'refresh_token') {
      if (memory.attempt) next.lost_at ??= memory.attempt
      next.attempt = now
    } else if (job.kind === 'callback') next.used_state = job.state
    else next.seed = settings.code
    return next
  }

  /** Seconds of life a reader asks for; undefined if that makes no sense. */
  function wantedLife() {
    if (job.min_ttl === undefined || job.min_ttl === null || job.min_ttl === '') return 60
    const number = Number(job.min_ttl)
    return Number.isFinite(number) && number >= 0 && number <= 3000 ? number : undefined
  }

  function assess() {
    if (job.kind === 'token' && wanted === undefined)
      return no('invalid_request', 'min_ttl must be a number of seconds from 0 to 3000')
    const newCode = !settings.problem && settings.code && settings.code !== memory.seed
    if (newCode && job.kind !== 'callback')
      return { ask: 'authorization_code', secret: settings.code }
    if (job.kind === 'token' && usable && left >= wanted) return { token: tokenOf(row, now) }
    if (settings.problem) return no(settings.problem.state, settings.problem.reason)
    if (job.kind === 'callback') return callback()
    if (!row.refresh_token)
      return no('not_authorized', 'There is no consent yet: open the consent link')
    if (memory.refused) return no('needs_reauthorization', memory.refused)
    if (!isWanted()) return { token: tokenOf(row, now) }
    const pressed = job.kind === 'start' && memory.trouble // somebody corrected something: no pause
    if (now < (memory.retry_at ?? 0) && !pressed) {
      const { state, reason } = memory.trouble ?? { state: 'renewal_delayed' }
      const word = state === 'unreachable' ? 'renewal_delayed' : state
      return no(
        word,
        reason ?? 'The last renewal had no usable answer; it is tried again after a pause',
        memory.retry_at - now,
      )
    }
    const lately = (memory.renewals ?? []).filter((time) => time > now - 3600)
    if (job.kind === 'token' && lately.length >= settings.renewals_per_hour)
      return no(
        'too_many_renewals',
        `Renewed ${lately.length} times within the hour (renewals_per_hour); Bitrix24 blocks applications that renew too often`,
        lately[0] + 3600 - now,
      )
    return { ask: 'refresh_token', secret: row.refresh_token }
  }

  /** No renewal; but a token that still lives is handed out, marked as short. */
  function no(error, error_description, retry_after) {
    if (job.kind === 'token' && usable && error !== 'invalid_request')
      return { token: { ...tokenOf(row, now), short: true } }
    return { problem: { error, error_description, retry_after, link: linkFor(error) } }
  }

  /** For the person who runs it by hand. A node of their own, which goes by no alert_url, needs none. */
  function warning() {
    if (job.kind !== 'start') return undefined
    try {
      const { url } = $('"access_token" doesn\'t update. Escalation to the process author').params
      return String(url).includes('alert_url') ? settings.warning : undefined
    } catch {
      return undefined // the node has another name now
    }
  }

  function linkFor(error) {
    const needed = error === 'not_authorized' || error === 'needs_reauthorization'
    return needed ? consentLink(settings, memory, now) : undefined
  }

  /** A code is taken only with the state of our own link, once. */
  function callback() {
    const { state: given, code } = job
    if (typeof given !== 'string' || given !== memory.consent?.state || !isOpen(memory, now)) {
      const text =
        'This address was not opened from a consent link of this workflow, or the link was used before. Get a new link in n8n and open that.'
      return {
        page: { status: 400, text },
        problem: { error: 'state_mismatch', error_description: text },
      }
    }
    if (typeof code !== 'string' || !/^[\x21-\x7e]{1,512}$/.test(code)) {
      const text = 'Bitrix24 sent no code. Open the consent link again.'
      return {
        page: { status: 400, text },
        problem: { error: 'invalid_request', error_description: text },
      }
    }
    return { ask: 'authorization_code', secret: code }
  }

  function isWanted() {
    if (job.kind === 'token')
      return left <= 0 || left < wanted || row.access_token === job.stale_token
    if (memory.retry_at > 0 || memory.attempt) return true // begun before and not finished
    const age = now - (memory.received_at ?? 0)
    if (settings.fixed_renewal_minutes > 0 && age >= settings.fixed_renewal_minutes * 60)
      return true
    return age >= settings.keep_alive_days * 86400
  }

  function action() {
    if (mine) return work.ask ? 'ask' : 'tell'
    // A message that could not be delivered is tried again by the schedule, not by every reader.
    const tell = state.state !== (memory.told ?? 'ok') || Boolean(memory.notice)
    const undelivered = tell && state.state === memory.undelivered
    const silent = !tell || job.kind === 'callback' || (undelivered && job.kind === 'token')
    if (!work.ask && silent && job.kind !== 'start') return 'end'
    if (!row.reference) return 'first'
    if (Number(row.lock_until ?? 0) <= now) return 'turn'
    if (!work.ask && job.kind !== 'start') return 'end'
    if (job.kind !== 'look' && $runIndex < 25) return 'wait'
    const error_description = 'Another renewal is under way; ask again'
    Object.assign(
      work,
      no('renewal_under_way', error_description, Math.min(5, row.lock_until - now)),
    )
    delete work.ask
    delete work.secret
    work.page = {
      status: 503,
      text: 'n8n is busy with another renewal. Open the consent link again in a minute.',
    }
    return 'end'
  }
}
