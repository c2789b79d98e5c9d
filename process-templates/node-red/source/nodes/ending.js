import { consentLink, needsConsent } from '../shared/consent.js'
import { readSettings, storeOf } from '../shared/settings.js'
import { adviceFor } from '../shared/words.js'

export const name = 'Which end?'
export const outputs = [
  'a token is kept',
  'an input is missing',
  'portal malformed',
  'settings wrong',
  'code expired',
  'code of another portal',
  'application refused',
  'consent needed',
  'to be paid',
  'store broken',
  'later',
]
export const initialize = 'globalThis.memory = {};'
export const info = `Leads a job to the end that says what to do (\`what_to_do\` in its payload). What the schedule or a reader comes to is shown
when it changes; a button or a new code is always answered.`

/** Chooses the end by the state that a job found. */
export default async function whichEnd(msg, { env, flow, memory }) {
  const { state, reason, asked } = msg.work.end
  const same = state === memory.state
  memory.state = state
  if (!asked && (same || state === 'ok')) return null

  const settings = readSettings(env)
  const { link, note } = needsConsent(state) ? await consentLink(flow, settings, storeOf(env)) : {}
  const payload =
    state === 'ok'
      ? { state, portal: settings.portal }
      : { state, reason, what_to_do: adviceFor(state, note) }
  if (link) payload.link = link
  const places = [
    ['ok'],
    ['inputs_missing', 'client_secret_missing'],
    ['portal_malformed'],
    ['settings'],
    ['code_expired', 'code_refused'],
    ['code_of_another_portal'],
    ['application_refused'],
    ['not_authorized', 'needs_reauthorization'],
    ['payment'],
    ['store', 'store_unreadable', 'store_not_writable'],
  ]
  const place = places.findIndex((states) => states.includes(state))
  const later = places.length
  return Array.from({ length: later + 1 }, (_, n) =>
    n === (place < 0 ? later : place) ? { payload } : null,
  )
}
