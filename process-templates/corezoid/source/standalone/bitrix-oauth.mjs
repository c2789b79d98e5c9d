// The process that talks to the authorization server: a person's task with a code, or the state diagram's with a refresh token.
import {
  choose,
  end,
  input,
  is,
  isNot,
  matches,
  number,
  secretInput,
  set,
  start,
  when,
} from '../format/nodes.mjs'
import { codeFailures, mistakes, renewalFailures, storeFails } from './failures.mjs'
import { firstToken } from './first-token.mjs'
import { inputs } from './inputs.mjs'
import { renewal } from './renewal.mjs'
import { saving } from './saving.mjs'
import { telling } from './telling.mjs'
import { oauthNotes, settingsNotes } from './words.mjs'

const failed = (title) => end(title, { failed: true, keep: true })

const entrance = {
  start: start('plain'),
  settings: set(
    'Settings',
    {
      renew_every_minutes: '25',
      keep_alive_days: '20',
      authorization_server: 'https://oauth.bitrix.info',
      portal_zone: 'bitrix24.com',
      portal: '',
      client_id: '',
      scope: '',
      pause: number('30'),
      save_tries: number('0'),
      tell_tries: number('0'),
    },
    { next: 'portalBrought', error: 'settingsWrong', about: settingsNotes },
  ),
  settingsRight: choose(
    'Are the settings right?',
    [
      when('isMessage', is('{{grant_type}}', 'message')),
      when(
        'byTheClock',
        matches('{{renew_every_minutes}}', '^(0|2[0-9]|3[0-9]|4[0-9]|50)$'),
        matches('{{keep_alive_days}}', '^([1-9]|1[0-9]|2[0-5])$'),
        matches(
          '{{authorization_server}}',
          '^https://oauth[.](bitrix[.]info|bitrix24[.]info|bitrix24[.]tech)$',
        ),
        matches('{{portal_zone}}', '^[a-z0-9-]+([.][a-z0-9-]+)+$'),
      ),
    ],
    'settingsWrong',
  ),
  isMessage: choose(
    'Is there something to say?',
    [when('escalate', isNot('{{state}}', ''))],
    'notRenewed',
  ),
  byTheClock: choose(
    'Is it renewed by the clock?',
    [when('inDays', is('{{renew_every_minutes}}', '0'))],
    'inMinutes',
  ),
  inMinutes: set(
    'Renew after the minutes set',
    { renew_after: number('$.math({{renew_every_minutes}}*60)') },
    { next: 'firstOrRenewal', error: 'settingsWrong' },
  ),
  inDays: set(
    'Renew only to keep it alive',
    { renew_after: number('$.math({{keep_alive_days}}*86400)') },
    { next: 'firstOrRenewal', error: 'settingsWrong' },
  ),
  firstOrRenewal: choose(
    'First token or renewal?',
    [when('renew', is('{{grant_type}}', 'refresh_token'), isNot('{{refresh_token}}', ''))],
    'reference',
  ),
}

const ends = {
  saved: end('The token is saved'),
  endMessage: end('The author is told', { keep: true }),
  endUntold: failed('The author could not be told: look at the process "Notify the author"'),
  endReference: failed(
    'The reference must be token: add the task again, "Autogenerate reference" off',
  ),
  endMissing: failed(
    'Something is empty: add the task again with portal, client_id and client_secret',
  ),
  endCode: failed('There is no code: open the consent link, add the task again with the code'),
  endMalformed: failed(
    'client_id, client_secret, scope or code is copied wrongly: copy them again, without spaces',
  ),
  endPortal: failed(
    'The portal is not a host: write example.bitrix24.com, without https:// and path',
  ),
  endRefused: failed(
    'The code is not taken: open the consent link, add the task within 30 seconds',
  ),
  endAnother: failed(
    'The code is of another portal: write its whole host, get a code from that portal',
  ),
  endApplication: failed(
    'The application is refused: compare client_id and client_secret with its card',
  ),
  endSettings: failed('A setting is wrong: correct the node Settings and deploy'),
  notRenewed: failed('access_token is not renewed: read reason and advice in this task'),
}

/** Two layouts side by side, the second from a column on. */
const beside = (column, left, right) =>
  Array.from({ length: Math.max(left.length, right.length) }, (_, row) => {
    const first = left[row] ?? []
    const space = Array(column - first.length).fill(null)
    return [...first, ...space, ...(right[row] ?? [])]
  })

export default {
  name: 'bitrix-oauth',
  id: 1000001,
  type: 'process',
  title: 'Bitrix OAuth',
  description: oauthNotes,
  params: [
    input(
      'portal',
      'name (example) or host (example.bitrix24.com) of the portal; empty: that of the node Settings',
    ),
    input('client_id', 'from the card of the application; empty: that of the node Settings'),
    secretInput('client_secret', 'from the card of the application'),
    input(
      'scope',
      'rights of the application, with commas; kept beside the rights granted; empty: those of the node Settings',
    ),
    secretInput('code', 'first authorization code; it lives 30 seconds'),
    secretInput('refresh_token', 'filled in by the Token storage; leave it empty'),
    input('grant_type', 'filled in by the Token storage; leave it empty'),
  ],
  nodes: {
    ...entrance,
    ...inputs,
    ...firstToken,
    ...mistakes,
    ...codeFailures,
    ...renewal,
    ...renewalFailures,
    ...saving,
    storeFails,
    ...telling,
    ...ends,
  },
  layout: beside(
    4,
    [
      ['start'],
      ['plain'],
      ['own'],
      ['settings', 'settingsWrong'],
      ['portalBrought', 'ownPortal'],
      ['clientBrought', 'ownClient'],
      ['scopeBrought', 'ownScope'],
      ['settingsRight', 'isMessage'],
      ['byTheClock', 'inDays'],
      ['inMinutes'],
      ['firstOrRenewal'],
      ['reference', 'badReference', 'endReference'],
      ['inputs', 'missingInput', 'endMissing'],
      [null, 'missingCode', 'endCode'],
      [null, 'malformed', 'endMalformed'],
      ['portalKind', 'badPortal', 'endPortal'],
      ['bareName', 'wholeHost'],
      ['exchange', 'codeVerdict'],
      ['codeAnswer', 'codeWhy', 'codeRefused'],
      ['rightPortal', 'codeHidden', 'codeUnclear'],
      ['assumeAddress', 'anotherPortal'],
    ],
    [
      ['renew', 'renewVerdict'],
      ['pairIssued', 'renewWhy', 'refreshRefused'],
      [null, 'attemptsLeft', 'lastWord', 'refusedUnseen'],
      [null, 'planPause', 'unreachable'],
      [null, 'backOff', 'payment'],
      [null, 'doublePause', 'applicationRefused'],
      ['isRenewal', 'tell', 'tellFailed'],
      ['handOver', 'authorKnows', 'countTell', 'tellSoon'],
      ['escalate', 'escalateFailed'],
      ['whatIsTold', 'noteTold', 'noteNews'],
      ['whichEnd', 'endRefused', 'endAnother', 'endMessage', 'endUntold'],
      ['notRenewed', 'endApplication', 'endSettings'],
      [],
      ['keep'],
      ['addressNamed', 'noteAddress'],
      ['lifetimeNamed', 'oneHour'],
      ['dates'],
      ['pairThere', 'countSave', 'noteStoreTold', 'holdTold', 'hold'],
      ['save', 'saveFailed', 'saveAgain', 'storeFails', 'storeTold'],
      ['saved', 'create', 'createFailed', 'saveSoon'],
      [],
    ],
  ),
}
