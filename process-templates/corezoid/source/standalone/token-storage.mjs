// The state diagram that keeps the pair. Readers read its task, in every state; it also says when to renew.
import {
  atMost,
  below,
  choose,
  copy,
  inSeconds,
  is,
  isNot,
  number,
  set,
  start,
  state,
  text,
  wait,
  when,
} from '../format/nodes.mjs'
import { storageNotes } from './words.mjs'

const renewed = when('toldBefore', is('{{state}}', 'ok'))
const onRequest = when('begin', is('{{command}}', 'refresh'))
/** Something is wrong with a task that a person added. */
const onNews = when('news', isNot('{{news}}', ''))
const onDemand = [
  onRequest,
  when('begin', isNot('{{received_at}}', ''), is('{{renew_if_received_at}}', '{{received_at}}')),
]
/** The author has been told that all is well, or never heard of trouble. */
const allTold = [is('{{told}}', 'ok'), isNot('{{store_told}}', 'yes')]

export default {
  name: 'token-storage',
  id: 1000002,
  type: 'state',
  title: 'Bitrix Token storage',
  description: storageNotes,
  params: [],
  nodes: {
    start: start('toldBefore'),
    active: state('Active token', [...onDemand, onNews], {
      timer: { until: '{{renew_at}}', next: 'begin' },
      about: text`renew_at comes from "renew_every_minutes" in the node Settings of "Bitrix OAuth". A modification with command=refresh renews
          at once; one with renew_if_received_at renews only while the pair of that time is still the current one.`,
    }),
    begin: set(
      'Renewal begins',
      { state: 'renewing', command: '', renew_if_received_at: '', ask_tries: number('0') },
      { next: 'ask', error: 'stopped' },
    ),
    ask: copy('Ask Bitrix OAuth to renew', {
      to: 'bitrix-oauth',
      ref: '{{root.ref}}',
      mode: 'create',
      data: {
        grant_type: 'refresh_token',
        portal_host: '{{portal_host}}',
        client_id: '{{client_id}}',
        client_secret: '{{client_secret}}',
        refresh_token: '{{refresh_token}}',
        client_endpoint: '{{client_endpoint}}',
        scope: '{{scope}}',
        told: '{{told}}',
        lost: '{{lost}}',
      },
      next: 'waiting',
      error: 'askFailed',
      about: 'The reference is the same for every renewal, so Corezoid lets only one run.',
    }),
    askFailed: choose(
      'Why does it not begin?',
      [
        when('busy', is('{{__conveyor_copy_task_return_type_tag__}}', 'not_unical_ref')),
        when('askSoon', is('{{__conveyor_copy_task_return_type_error__}}', 'hardware')),
      ],
      'stopped',
    ),
    askSoon: wait('Half a minute', { seconds: 30 }, 'countAsk'),
    busy: state(
      'Somebody else is at it',
      [renewed, when('where', isNot('{{state}}', 'renewing')), onNews],
      { timer: { seconds: 60, next: 'countAsk' } },
    ),
    countAsk: set(
      'Count the attempts to begin',
      { ask_tries: number('$.math({{ask_tries}}+1)') },
      { next: 'askedLong', error: 'stopped' },
    ),
    askedLong: choose(
      'Is there still time?',
      [when('ask', atMost('{{ask_tries}}', 30))],
      'stopped',
    ),
    waiting: state(
      'Waiting for the renewed token',
      [renewed, when('where', isNot('{{state}}', 'renewing'))],
      {
        timer: { seconds: 1800, next: 'noAnswerBefore' },
        about: 'Half an hour is longer than all pauses of "Bitrix OAuth" together.',
      },
    ),
    noAnswerBefore: choose(
      'Did an earlier one come back?',
      [when('noAnswer', is('{{lost}}', ''))],
      'stopped',
    ),
    noAnswer: set(
      'Nothing came back',
      { lost: ' An earlier attempt never reported back; the token may have been spent then.' },
      { next: 'begin', error: 'where' },
    ),
    stopped: set(
      'Bitrix OAuth does not work',
      {
        state: 'process_stopped',
        reason: 'The process "Bitrix OAuth" takes no task, or does not finish the one it has',
        advice:
          'See that it is active and that its task "token" moves; then send command=refresh, or wait 25 minutes',
        link: '',
        retry_at: inSeconds(1500),
      },
      { next: 'stoppedKnown', error: 'where' },
    ),
    stoppedKnown: choose(
      'Does the author know that it is stopped?',
      [when('where', is('{{told}}', '{{state}}'))],
      'tellDirectly',
    ),
    tellDirectly: copy('Tell the author without Bitrix OAuth', {
      to: 'notify-author',
      ref: '',
      mode: 'create',
      data: {
        state: '{{state}}',
        reason: '{{reason}}',
        advice: '{{advice}}',
        link: '{{link}}',
        portal: '{{portal_host}}',
        client_id: '{{client_id}}',
        note: 'yes',
      },
      next: 'where',
      error: 'where',
      about: text`"Notify the author" writes into told what it has sent. Until then it is told again, with the next attempt to renew.`,
    }),
    where: choose(
      'Where does it rest?',
      [
        when('active', is('{{state}}', 'ok'), ...allTold),
        when('planTell', is('{{state}}', 'ok')),
        ...['needs_reauthorization', 'application_refused', 'settings'].flatMap((what) => [
          when('person', is('{{state}}', what), is('{{told}}', what)),
          when('untold', is('{{state}}', what)),
        ]),
      ],
      'later',
    ),
    later: state("access_token isn't renewed yet", [renewed, onRequest, onNews], {
      timer: { until: '{{retry_at}}', next: 'begin' },
      about:
        'Passing trouble, or payment. It is tried again by itself; command=refresh tries at once.',
    }),
    untold: state(
      "access_token doesn't update, the author is not told yet",
      [renewed, onRequest, when('person', is('{{told}}', '{{state}}')), onNews],
      { timer: { seconds: 1800, next: 'stillUntold' } },
    ),
    person: state("access_token doesn't update, a person is needed", [renewed, onRequest, onNews], {
      about: text`Nothing is sent until a person acts: a task with a new code in "Bitrix OAuth" (reference token), or, where the cause is
        gone, a modification of this task with command=refresh.`,
    }),
    stillUntold: choose(
      'Does the author know by now?',
      [when('person', is('{{told}}', '{{state}}'))],
      'message',
    ),
    toldBefore: choose('Has the author heard of trouble?', [when('active', ...allTold)], 'message'),
    message: copy('Have the author told', {
      to: 'bitrix-oauth',
      ref: '{{root.ref}}-message',
      mode: 'create',
      data: {
        grant_type: 'message',
        state: '{{state}}',
        reason: '{{reason}}',
        advice: '{{advice}}',
        link: '{{link}}',
        portal_host: '{{portal_host}}',
        client_id: '{{client_id}}',
      },
      next: 'where',
      error: 'messageFailed',
    }),
    messageFailed: choose(
      'Is a message on its way?',
      [when('where', is('{{__conveyor_copy_task_return_type_tag__}}', 'not_unical_ref'))],
      'tellDirectly',
    ),
    planTell: set(
      'When is the recovery told again?',
      { tell_at: inSeconds(1800) },
      { next: 'renewalFirst', error: 'renewalFirst' },
    ),
    renewalFirst: choose(
      'Is that before the renewal?',
      [when('unheard', below('{{tell_at}}', '{{renew_at}}'))],
      'active',
      { about: 'A renewal tells it too.' },
    ),
    unheard: state(
      'Active token, the author has not heard that it is renewed',
      [...onDemand, when('active', ...allTold), onNews],
      { timer: { until: '{{tell_at}}', next: 'message' } },
    ),
    news: choose(
      'Does the author know of this failure?',
      [
        when('newsDone', is('{{news}}', '{{told}}')),
        when('newsDone', is('{{news}}', '{{news_told}}')),
      ],
      'newsTell',
    ),
    newsTell: copy('Have the failure of an added task told', {
      to: 'bitrix-oauth',
      ref: '{{root.ref}}-message',
      mode: 'create',
      data: {
        grant_type: 'message',
        of_task: 'yes',
        state: '{{news}}',
        reason: '{{news_reason}}',
        advice: '{{news_advice}}',
        link: '{{news_link}}',
        portal_host: '{{news_portal}}',
        client_id: '{{news_client_id}}',
      },
      next: 'newsDone',
      error: 'newsDone',
    }),
    newsDone: set('It is dealt with', { news: '' }, { next: 'back', error: 'back' }),
    back: choose('Is a renewal to begin?', [when('busy', is('{{state}}', 'renewing'))], 'where'),
  },
  layout: [
    ['start'],
    ['toldBefore', 'message', 'messageFailed', 'tellDirectly'],
    ['active', 'renewalFirst', 'planTell', 'stoppedKnown'],
    ['begin', 'unheard', 'askSoon', 'countAsk', 'askedLong'],
    ['ask', 'askFailed', 'stopped', 'where', 'later'],
    ['waiting', 'busy', 'stillUntold', 'untold', 'person'],
    ['noAnswerBefore', 'back', 'newsDone', 'newsTell', 'news'],
    ['noAnswer'],
  ],
}
