// The code of a person becomes the first pair.
import { choose, either, is, isNot, matches, post, set, text, when } from '../format/nodes.mjs'

export const httpRefusal = (next) =>
  either(
    next,
    matches('{{__conveyor_api_return_http_code__}}', '^40[013]$'),
    matches('{{__conveyor_api_return_code__}}', '^40[013]$'),
    matches('{{__conveyor_api_debug__.http_res_code}}', '^40[013]$'),
  )

export const pairOfAnswer = {
  new_access_token: '{{body.access_token}}',
  new_refresh_token: '{{body.refresh_token}}',
  new_expires_in: '{{body.expires_in}}',
  new_client_endpoint: '{{body.client_endpoint}}',
  granted_scope: '{{body.scope}}',
  oauth_error: '{{body.error}}',
}

/** The error of an answer, wherever Corezoid left it: mapped, or merged into the task. */
export const verdict = (title, next) =>
  set(title, { verdict: '{{oauth_error}} {{error}}' }, { next, error: 'notRenewed' })

const word = (list) => `(^| )(${list})( |$)`
export const saysDead = matches('{{verdict}}', word('invalid_grant|expired_token'))
export const saysApplication = matches(
  '{{verdict}}',
  word('invalid_client|wrong_client|unauthorized_client|NOT_INSTALLED'),
)
export const saysPayment = matches('{{verdict}}', word('PAYMENT_REQUIRED'))

export const firstToken = {
  reference: choose(
    'Is the reference "token"?',
    [when('inputs', is('{{root.ref}}', 'token'))],
    'badReference',
  ),
  inputs: choose(
    'Are the inputs there?',
    [
      either(
        'missingInput',
        is('{{portal}}', ''),
        is('{{client_id}}', ''),
        is('{{client_secret}}', ''),
      ),
      when('missingCode', is('{{code}}', '')),
      when(
        'portalKind',
        matches('{{client_id}}', '^[A-Za-z0-9._-]{1,128}$'),
        matches('{{client_secret}}', '^[!-~]{1,256}$'),
        matches('{{code}}', '^[A-Za-z0-9._-]{1,512}$'),
        matches('{{scope}}', '^[A-Za-z0-9_.:, -]{0,1024}$'),
      ),
    ],
    'malformed',
  ),
  portalKind: choose(
    'Is the portal a name or a host?',
    [
      when('bareName', matches('{{portal}}', '^[a-z0-9][a-z0-9-]{0,62}$')),
      when(
        'wholeHost',
        matches('{{portal}}', '^[a-z0-9][a-z0-9-]*([.][a-z0-9][a-z0-9-]*)+(:[0-9]{2,5})?$'),
      ),
    ],
    'badPortal',
  ),
  bareName: set(
    'A name: add the zone',
    { portal_host: '{{portal}}.{{portal_zone}}' },
    { next: 'exchange', error: 'badPortal' },
  ),
  wholeHost: set(
    'A host: take it',
    { portal_host: '{{portal}}' },
    { next: 'exchange', error: 'badPortal' },
  ),
  exchange: post('Get access_token by code', {
    url: '{{authorization_server}}/oauth/token/',
    form: {
      grant_type: 'authorization_code',
      client_id: '{{client_id}}',
      client_secret: '{{client_secret}}',
      code: '{{code}}',
    },
    answer: pairOfAnswer,
    next: 'codeAnswer',
    error: 'codeVerdict',
    timer: { seconds: 120, next: 'codeUnclear' },
    about: text`Sent once and never repeated: the code lives 30 seconds and works once. Secrets go in the body, not in the address.`,
  }),
  codeAnswer: choose(
    'Are both tokens there?',
    [when('rightPortal', isNot('{{new_access_token}}', ''), isNot('{{new_refresh_token}}', ''))],
    'codeVerdict',
  ),
  rightPortal: choose(
    'Is it the portal that was meant?',
    [
      when('keep', is('{{new_client_endpoint}}', 'https://{{portal_host}}/rest/')),
      when('assumeAddress', is('{{new_client_endpoint}}', '')),
    ],
    'anotherPortal',
  ),
  assumeAddress: set(
    'No address: take that of the portal',
    { client_endpoint: 'https://{{portal_host}}/rest/' },
    { next: 'keep', error: 'keep' },
  ),
  codeVerdict: verdict('Read the answer to the code', 'codeWhy'),
  codeWhy: choose(
    'Why is there no first token?',
    [
      when('codeRefused', saysDead),
      when('applicationRefused', saysApplication),
      when('payment', saysPayment),
      httpRefusal('codeHidden'),
    ],
    'codeUnclear',
  ),
}
