// The state diagram that keeps the pair. Readers read its task, in every state; it also says when to renew.
import {
  choose,
  copy,
  inSeconds,
  is,
  isNot,
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

export default {
  name: 'token-storage',
  id: 1000002,
  type: 'state',
  title: 'Bitrix Token storage',
  description: storageNotes,
  params: [],
  nodes: {
    start: start('active'),
    active: state(
      'Active token',
      [
        onRequest,
        when(
          'begin',
          isNot('{{received_at}}', ''),
          is('{{renew_if_received_at}}', '{{received_at}}'),
        ),
      ],
      {
        timer: { until: '{{renew_at}}', next: 'begin' },
        about: text`renew_at comes from "renew_every_minutes" in the node Settings of "Bitrix OAuth". A modification with command=refresh renews
          at once; one with renew_if_received_at renews only while the pair of that time is still the current one.`,
      },
    ),
    begin: set(
      'Renewal begins',
      { state: 'renewing', command: '', renew_if_received_at: '' },
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
    askSoon: wait('Half a minute', { seconds: 30 }, 'begin'),
    busy: state(
      'Somebody else is at it',
      [renewed, when('where', isNot('{{state}}', 'renewing'))],
      { timer: { seconds: 60, next: 'begin' } },
    ),
    waiting: state(
      'Waiting for the renewed token',
      [renewed, when('where', isNot('{{state}}', 'renewing'))],
      {
        timer: { seconds: 1800, next: 'noAnswer' },
        about: 'Half an hour is longer than all pauses of "Bitrix OAuth" together.',
      },
    ),
    noAnswer: set(
      'Nothing came back',
      { lost: ' An earlier attempt never reported back; the token may have been spent then.' },
      { next: 'begin', error: 'where' },
    ),
    stopped: set(
      'Bitrix OAuth takes no task',
      {
        state: 'process_stopped',
        reason: 'The process "Bitrix OAuth" takes no task',
        advice: 'See that it is active; then send command=refresh, or wait 25 minutes',
        retry_at: inSeconds(1500),
      },
      { next: 'where', error: 'where' },
    ),
    where: choose(
      'Where does it rest?',
      [
        when('active', is('{{state}}', 'ok')),
        ...['needs_reauthorization', 'application_refused', 'settings'].flatMap((what) => [
          when('person', is('{{state}}', what), is('{{told}}', what)),
          when('untold', is('{{state}}', what)),
        ]),
      ],
      'later',
    ),
    later: state("access_token isn't renewed yet", [renewed, onRequest], {
      timer: { until: '{{retry_at}}', next: 'begin' },
      about:
        'Passing trouble, or payment. It is tried again by itself; command=refresh tries at once.',
    }),
    untold: state(
      "access_token doesn't update, the author is not told yet",
      [renewed, onRequest, when('person', is('{{told}}', '{{state}}'))],
      { timer: { seconds: 1800, next: 'stillUntold' } },
    ),
    person: state("access_token doesn't update, a person is needed", [renewed, onRequest], {
      about: text`Nothing is sent until a person acts: a task with a new code in "Bitrix OAuth" (reference token), or, where the cause is
        gone, a modification of this task with command=refresh.`,
    }),
    stillUntold: choose(
      'Does the author know by now?',
      [when('person', is('{{told}}', '{{state}}'))],
      'message',
    ),
    toldBefore: choose(
      'Has the author heard of trouble?',
      [when('active', is('{{told}}', 'ok'))],
      'message',
    ),
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
      error: 'where',
    }),
  },
  layout: [
    ['start'],
    ['active', 'toldBefore', null, 'message'],
    ['begin', 'askSoon'],
    ['ask', 'askFailed', 'stopped', 'where', 'later'],
    ['waiting', 'busy', 'stillUntold', 'untold', 'person'],
    ['noAnswer'],
  ],
}
