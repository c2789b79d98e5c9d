import { consentLink, isOpen, stateOf } from '../shared/grant.js'
import { adviceFor } from '../shared/words.js'

export const name = 'What is to be said?'
export const notes = 'Each change, once'

/** Compares the state with what was told before, and writes the message to the author. */
export default function say({ $ }) {
  const asked = $('Read the answer').isExecuted
  const from = asked ? 'Read the answer' : 'What is to be done?'
  const { row, memory, settings, job, end, notice = memory.notice } = $(from).first().json
  const { now } = job
  if (!isOpen(memory, now) && (job.kind === 'start' || !row.refresh_token || memory.refused))
    memory.consent = { state: $('Draw a random text').first().json.random, until: now + 7 * 86400 }
  const link = consentLink(settings, memory, now)
  if (end.problem?.link) end.problem.link = link
  if (job.kind === 'start') end.link = link

  const { state, reason } = stateOf(row, memory, settings)
  const told = memory.told ?? 'ok'
  const changed = state !== told
  const kind = kindOf()
  const message = kind ? words(kind) : undefined
  const quiet = { ...memory, undelivered: undefined, notice: undefined }
  const text = (value) => JSON.stringify(value)
  return [
    {
      json: {
        ...(message && { message }),
        end,
        alert_url: settings.alert_url,
        memory: text(memory),
        when_told: text({ ...quiet, told: state }),
        when_not_told: text({ ...memory, undelivered: state, notice }),
      },
    },
  ]

  function kindOf() {
    if (!changed) return notice && 'notice'
    if (state === 'not_authorized') return 'notice'
    if (state === 'ok') return told === 'not_authorized' ? 'notice' : 'recovery'
    return 'escalation'
  }

  function words(kind) {
    const shown = changed ? { state, reason } : notice
    const title = {
      escalation: '"access_token" is not renewed: escalation to the process author',
      recovery: '"access_token" is renewed again',
      notice: shown.state === 'ok' ? 'Bitrix24 token received' : 'Bitrix24 token: please note',
    }[kind]
    const needsLink = ['needs_reauthorization', 'not_authorized', 'code_refused'].includes(
      shown.state,
    )
    const why =
      shown.reason || (changed && state === 'ok' ? `Over: ${told.replaceAll('_', ' ')}` : '')
    const also = changed && notice ? notice.reason : ''
    const reasons = [why, also].filter(Boolean).join('. ')
    const lines = [
      title,
      `Portal: ${settings.portal ?? 'not set'}`,
      `Application: ${settings.client_id || 'not set'}`,
      reasons && `Reason: ${reasons}`,
      `Since: ${new Date(now * 1000).toISOString()}`,
      adviceFor(shown.state),
      needsLink && link && `Link: ${link}`,
    ]
    return {
      kind,
      title,
      text: lines.filter(Boolean).join('\n'),
      portal: settings.portal ?? '',
      client_id: settings.client_id,
      state: shown.state,
      reason: reasons,
      since: new Date(now * 1000).toISOString(),
      ...(needsLink && link && { link }),
    }
  }
}
