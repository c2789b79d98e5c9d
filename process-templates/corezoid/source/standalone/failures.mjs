// What can go wrong, in the words that all templates share, with what to do. Each of these nodes also drops the secrets,
// so that the task can stay in the archive where a person reads it.
import { inSeconds, set, text } from '../format/nodes.mjs'

const noSecrets = {
  code: '',
  client_secret: '',
  refresh_token: '',
  access_token: '',
  new_access_token: '',
  new_refresh_token: '',
}
const consent = 'https://{{portal_host}}/oauth/authorize/?client_id={{client_id}}'
const soon = 1500
const later = 21600

/** A failure that is told to the author. `askAgain` is in so many seconds; a person's answer is not waited for by a timer. */
function failure(title, state, reason, advice, { next, link = '', askAgain = later }) {
  const values = {
    ...noSecrets,
    state,
    reason,
    advice,
    link,
    retry_at: inSeconds(askAgain),
  }
  return set(title, values, { next, error: 'notRenewed' })
}

/** Something that the person who adds the task corrects at once; nobody else is told. */
const mistake = (title, reason, next) =>
  set(title, { ...noSecrets, reason }, { next, error: 'notRenewed' })

export const mistakes = {
  badReference: mistake(
    'Wrong reference',
    'The reference of the task must be token',
    'endReference',
  ),
  missingInput: mistake(
    'Something is empty',
    'client_secret is empty, or portal or client_id is empty both in the task and in the node Settings',
    'endMissing',
  ),
  missingCode: mistake('No code', 'code is missing or empty', 'endCode'),
  malformed: mistake(
    'Copied wrongly',
    'client_id, client_secret, scope or code holds characters that do not belong to it, such as spaces',
    'endMalformed',
  ),
  badPortal: mistake(
    'Wrong portal',
    'portal must be a name or a host in small letters, without https:// and without a path',
    'endPortal',
  ),
}

export const codeFailures = {
  codeRefused: failure(
    'The code is refused',
    'code_refused',
    'Bitrix24 refused the code (invalid_grant): older than 30 seconds, used before, or not of this application',
    'Open the link, copy the code, add the task again within 30 seconds',
    { next: 'handOver', link: consent },
  ),
  codeUnclear: failure(
    'The code is not exchanged',
    'code_not_exchanged',
    'No usable answer to the code (HTTP {{__conveyor_api_return_http_code__}} {{__conveyor_api_return_type_tag__}})',
    'A code is sent once. Open the link, copy a new code, add the task again',
    { next: 'handOver', link: consent },
  ),
  codeHidden: failure(
    'The code is refused, reason unseen',
    'code_refused',
    text`Bitrix24 refused the code, and Corezoid does not show why: the code is older than 30 seconds or used,
      client_id or client_secret is wrong, or something has to be paid`,
    'Compare client_id and client_secret with the card of the application; open the link, add the task again within 30 seconds',
    { next: 'handOver', link: consent },
  ),
  anotherPortal: failure(
    'The code is of another portal',
    'another_portal',
    'The code is of the portal {{new_client_endpoint}} and not of {{portal_host}}; its token is not kept',
    'Give the whole host of the portal, as the browser shows it; open the link there, add the task again',
    { next: 'handOver', link: consent },
  ),
}

export const renewalFailures = {
  settingsWrong: failure(
    'A setting is wrong',
    'settings',
    'A value in the node Settings is not allowed',
    'Correct the node Settings (its description says what is allowed), deploy, then add the task again or send command=refresh',
    { next: 'isRenewal' },
  ),
  applicationRefused: failure(
    'The application is refused',
    'application_refused',
    'Bitrix24 refused the application (invalid_client): client_id or client_secret is wrong, or it is not installed on this portal',
    'Compare both with the card of the application, then add a task with the right ones and a new code',
    { next: 'isRenewal', link: consent },
  ),
  payment: failure(
    'Payment is due',
    'payment',
    'Bitrix24 wants payment for the portal or the application (PAYMENT_REQUIRED)',
    'Pay. A renewal is tried again every 6 hours, or at once with command=refresh; a first code has to be sent anew',
    { next: 'isRenewal' },
  ),
  refreshRefused: failure(
    'The refresh token is refused',
    'needs_reauthorization',
    'Bitrix24 refused the refresh token (invalid_grant).{{lost}}',
    'Open the link, copy the code, add a task with it within 30 seconds',
    { next: 'isRenewal', link: consent },
  ),
  refusedUnseen: failure(
    'Refused, reason unseen',
    'refused',
    text`Bitrix24 refused six times, and Corezoid does not show why: the authorization is over, the application is wrong,
      or something has to be paid.{{lost}}`,
    'See that all is paid. If it is, open the link, copy the code, add a task with it within 30 seconds',
    { next: 'isRenewal', link: consent },
  ),
  unreachable: failure(
    'No usable answer',
    'unreachable',
    'Six attempts without a usable answer (HTTP {{__conveyor_api_return_http_code__}} {{__conveyor_api_return_type_tag__}})',
    'Nothing has to be done: it is tried again in 25 minutes, and so on',
    { next: 'isRenewal', askAgain: soon },
  ),
}

/** The pair is kept in this task, so the secrets stay. */
export const storeFails = set(
  'The pair cannot be saved',
  {
    state: 'store',
    reason:
      'The state diagram does not take the new token pair; this task holds it and goes on trying',
    advice: 'See that the state diagram is active. Do not stop this process and delete no task',
    link: '',
  },
  { next: 'storeTold', error: 'escalate' },
)
