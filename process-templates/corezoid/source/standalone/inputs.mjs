// What the task brings goes before what the node Settings holds; Settings fills in what the task leaves empty.
import { choose, isNot, matches, set, when } from '../format/nodes.mjs'

const construct = '[{}$]'
const plain = choose(
  'Are the inputs plain text?',
  [
    when('badPortal', matches('{{portal}}', construct)),
    when('malformed', matches('{{client_id}}', construct)),
    when('malformed', matches('{{scope}}', construct)),
  ],
  'own',
  { about: 'Corezoid would work out functions such as $.unixtime() when it copies them.' },
)

/** Settings writes over the task's own values, so these are kept beside it first. */
const own = set(
  'Keep what the task brings',
  { own_portal: '{{portal}}', own_client_id: '{{client_id}}', own_scope: '{{scope}}' },
  { next: 'settings', error: 'settingsWrong' },
)

/** One choice and, where the task brings the value, one node that takes it. */
const ownFirst = (key, [asked, taken], [question, answer], next) => ({
  [asked]: choose(question, [when(taken, isNot(`{{own_${key}}}`, ''))], next),
  [taken]: set(answer, { [key]: `{{own_${key}}}` }, { next, error: 'settingsWrong' }),
})

export const inputs = {
  plain,
  own,
  ...ownFirst(
    'portal',
    ['portalBrought', 'ownPortal'],
    ['Does the task bring a portal?', 'The portal of the task'],
    'clientBrought',
  ),
  ...ownFirst(
    'client_id',
    ['clientBrought', 'ownClient'],
    ['Does the task bring a client_id?', 'The client_id of the task'],
    'scopeBrought',
  ),
  ...ownFirst(
    'scope',
    ['scopeBrought', 'ownScope'],
    ['Does the task bring a scope?', 'The scope of the task'],
    'settingsRight',
  ),
}
