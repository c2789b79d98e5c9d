// The state diagram hears what went wrong, then the author does: once per change of state.
import {
  atMost,
  call,
  choose,
  copy,
  is,
  isNot,
  number,
  set,
  text,
  wait,
  when,
} from '../format/nodes.mjs'

export const telling = {
  isRenewal: choose(
    'Does the Token storage wait for it?',
    [when('tell', is('{{grant_type}}', 'refresh_token'))],
    'handOver',
  ),
  handOver: copy('Leave it to the Token storage', {
    to: 'token-storage',
    ref: 'token',
    mode: 'modify',
    data: {
      news: '{{state}}',
      news_reason: '{{reason}}',
      news_advice: '{{advice}}',
      news_link: '{{link}}',
      news_portal: '{{portal_host}}',
      news_client_id: '{{client_id}}',
    },
    next: 'whichEnd',
    error: 'escalate',
    about: text`A failure of a task that a person added. The Token storage knows what the author was told last, and has the rest told once.
      Where there is no record yet, nobody knows: then every such task is told.`,
  }),
  tell: copy('Tell the Token storage', {
    to: 'token-storage',
    ref: 'token',
    mode: 'modify',
    data: {
      state: '{{state}}',
      reason: '{{reason}}',
      advice: '{{advice}}',
      link: '{{link}}',
      retry_at: number('{{retry_at}}'),
    },
    next: 'authorKnows',
    error: 'tellFailed',
    about: 'The token pair is not touched: the old access_token can be read as long as it lives.',
  }),
  tellFailed: choose(
    'Did it only come at a bad moment?',
    [
      when(
        'authorKnows',
        isNot('{{__conveyor_copy_task_return_type_error__}}', 'hardware'),
        isNot('{{__conveyor_copy_task_return_type_tag__}}', 'no_api_callback_in_node_with_task'),
        isNot('{{__conveyor_modify_task_return_type_tag__}}', 'no_api_callback_in_node_with_task'),
      ),
      when('tellSoon', atMost('{{tell_tries}}', 4)),
    ],
    'authorKnows',
  ),
  tellSoon: wait('A minute', { seconds: 60 }, 'countTell'),
  countTell: set(
    'Count the attempts to tell',
    { tell_tries: number('$.math({{tell_tries}}+1)') },
    { next: 'tell', error: 'authorKnows' },
  ),
  authorKnows: choose(
    'Does the author know already?',
    [when('whichEnd', is('{{told}}', '{{state}}'))],
    'escalate',
  ),
  escalate: call(`"access_token" doesn't update. Escalation to the process author`, {
    to: 'notify-author',
    data: {
      state: '{{state}}',
      reason: '{{reason}}',
      advice: '{{advice}}',
      link: '{{link}}',
      portal: '{{portal_host}}',
      client_id: '{{client_id}}',
    },
    next: 'whatIsTold',
    error: 'escalateFailed',
    timer: { seconds: 120, next: 'escalateFailed' },
    about: text`Customise here: choose your own process in this node. It gets state (ok: renewed again), reason, advice, link, portal and client_id, never a secret, and must end in a Reply to Process.`,
  }),
  escalateFailed: choose(
    'Nobody was told: what now?',
    [when('hold', is('{{state}}', 'store')), when('endUntold', is('{{grant_type}}', 'message'))],
    'whichEnd',
    {
      about:
        'Nothing is noted, so it is told again: after half an hour, or at the next attempt to renew.',
    },
  ),
  whatIsTold: choose(
    'What was told?',
    [
      when('holdTold', is('{{state}}', 'store')),
      when('noteNews', is('{{of_task}}', 'yes')),
      when('noteTold', is('{{grant_type}}', 'refresh_token')),
      when('noteTold', is('{{grant_type}}', 'message')),
    ],
    'whichEnd',
  ),
  noteTold: copy('Note what the author knows', {
    to: 'token-storage',
    ref: 'token',
    mode: 'modify',
    data: { told: '{{state}}', store_told: '' },
    next: 'whichEnd',
    error: 'whichEnd',
  }),
  noteNews: copy('Note what the author knows of added tasks', {
    to: 'token-storage',
    ref: 'token',
    mode: 'modify',
    data: { news_told: '{{state}}' },
    next: 'whichEnd',
    error: 'whichEnd',
  }),
  whichEnd: choose(
    'Where does it end?',
    [
      when('endMessage', is('{{grant_type}}', 'message')),
      when('endRefused', is('{{state}}', 'code_refused')),
      when('endRefused', is('{{state}}', 'code_not_exchanged')),
      when('endAnother', is('{{state}}', 'another_portal')),
      when('endApplication', is('{{state}}', 'application_refused')),
      when('endSettings', is('{{state}}', 'settings')),
    ],
    'notRenewed',
  ),
}
