// The refresh token is spent for the next pair; passing trouble is waited out.
import {
  atMost,
  choose,
  inSeconds,
  isNot,
  number,
  post,
  set,
  text,
  wait,
  when,
} from '../format/nodes.mjs'
import {
  httpRefusal,
  pairOfAnswer,
  saysApplication,
  saysDead,
  saysPayment,
  verdict,
} from './first-token.mjs'

export const renewal = {
  renew: post('Renew access_token', {
    url: '{{authorization_server}}/oauth/token/',
    form: {
      grant_type: 'refresh_token',
      client_id: '{{client_id}}',
      client_secret: '{{client_secret}}',
      refresh_token: '{{refresh_token}}',
    },
    answer: pairOfAnswer,
    next: 'pairIssued',
    error: 'renewVerdict',
    timer: { seconds: 120, next: 'renewVerdict' },
    about: text`The refresh token can be spent once. The timer is longer than the 60 seconds that Corezoid waits for an answer,
      so that no answer is dropped here. If Corezoid loses the answer, the next attempt sends a token that may be spent:
      then consent is needed again, and the message says so.`,
  }),
  pairIssued: choose(
    'Is a new pair issued?',
    [when('keep', isNot('{{new_access_token}}', ''), isNot('{{new_refresh_token}}', ''))],
    'renewVerdict',
  ),
  renewVerdict: verdict('Read the answer to the renewal', 'renewWhy'),
  renewWhy: choose(
    'Why is there no new pair?',
    [
      when('refreshRefused', saysDead),
      when('applicationRefused', saysApplication),
      when('payment', saysPayment),
    ],
    'attemptsLeft',
  ),
  attemptsLeft: choose(
    'Are attempts left?',
    [when('planPause', atMost('{{pause}}', 480))],
    'lastWord',
  ),
  planPause: set(
    'Plan the pause',
    {
      retry_at: inSeconds('{{pause}}'),
      lost: ' An earlier attempt had no usable answer; the token may have been spent then.',
      oauth_error: '',
      error: '',
    },
    { next: 'backOff', error: 'unreachable' },
  ),
  backOff: wait('Back off', { until: '{{retry_at}}' }, 'doublePause', {
    about: '30, 60, 120, 240, 480 seconds: less than the old token still lives',
  }),
  doublePause: set(
    'Double the pause',
    { pause: number('$.math({{pause}}*2)') },
    { next: 'renew', error: 'unreachable' },
  ),
  lastWord: choose('Refused or away?', [httpRefusal('refusedUnseen')], 'unreachable'),
}
