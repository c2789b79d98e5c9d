// Words for the people who open the objects in Corezoid: how to use each, and what it cannot promise.
import { text } from '../format/nodes.mjs'

const lines = (...parts) => parts.join('\n')

export const folderNotes = lines(
  'Keeps the authorization of one Bitrix24 application: a code comes in once, the token is kept, renewed and can be read, and its author is told when it cannot be renewed.',
  text`1. Deploy every object. 2. Give access to this folder to as few people as possible. 3. Add a task in "Bitrix OAuth". 4. Read
    {{conv[ID].ref[token].access_token}}, where ID is the number of "Bitrix Token storage".`,
  'CANNOT PROMISE: if Corezoid loses the task between the answer of Bitrix24 and the save, the pair is lost and consent is needed again. The pair and client_secret stand in plain text in the task of "Bitrix Token storage".',
)

export const oauthNotes = lines(
  text`Add a task with portal, client_id, client_secret, scope and code; switch off "Autogenerate reference" and write token. The code lives 30 seconds,
    so fill in the rest first. After trouble add a task with a new code in the same way. While a renewal waits (up to 16 minutes) the reference is taken.`,
  'CANNOT PROMISE:',
  text`- A crash between answer and save. A refresh token can be spent once. If Corezoid loses this task after the answer and before "Save the pair", or loses the
    answer itself, the new pair is lost. Half an hour later the spent token is sent again, Bitrix24 refuses it, and the author is told with this reason
    and the consent link (16 minutes later still where Corezoid does not show why Bitrix24 refuses). Until it ends, the old access_token can be read.`,
  text`- Secrecy inside Corezoid. While a task is on its way, everybody who may view this process sees client_secret and the pair in plain text. Finished tasks hold
    no secret.`,
  text`- Telling while "Notify the author" is paused. While this process is paused, the Token storage tells by itself, through "Notify the author": also where you chose another
    process for the escalation.`,
)

export const settingsNotes = lines(
  text`renew_every_minutes: 25, as ever; 20 to 50, or 0. ATTENTION: Bitrix24 asks not to renew on a timer and may block applications that do. Readers of
    {{conv[ID].ref[token].access_token}} cannot ask, so they need the timer. When every reader calls "Give a Bitrix24 token" instead, write 0: then it is renewed on
    request, and every keep_alive_days (1 to 25), so that an unused refresh token does not die.`,
  'A new value counts from the next renewal on.',
  text`authorization_server: https://oauth.bitrix.info, or https://oauth.bitrix24.tech, or https://oauth.bitrix24.info. client_secret goes there and nowhere else.`,
  'portal_zone: what a bare portal name is completed with, such as bitrix24.com or bitrix24.de.',
  'portal, client_id, scope: for tasks that leave theirs empty. client_secret and code belong in the task, never here.',
)

export const storageNotes = lines(
  text`The task with the reference token holds the pair. Read it in other processes: {{conv[ID].ref[token].access_token}}, and client_endpoint, expires_at, state beside it; ID is
    the number of this diagram. It can be read in every state; the old access_token stays until there is a new one.`,
  'To renew now: modify the task with command=refresh. A task whose renewal is refused waits for a person; one that met passing trouble or payment tries again.',
  'CANNOT PROMISE:',
  text`- Secrecy inside Corezoid. access_token, refresh_token and client_secret stand here in plain text. Everybody with View on this diagram reads them: share it narrowly.`,
  text`- A crash between the answer of Bitrix24 and the modification that saves it: the pair is lost, and consent is needed again.`,
  text`- Two programs on one authorization. What this diagram keeps must not be renewed anywhere else.`,
  '- A deleted task is a lost token.',
)

export const notifierNotes = lines(
  text`Puts what happened into words and, where alert_url is set, posts it as JSON. Otherwise the message lies in the last node, for you to read. Customise it: add
    a node with your e-mail, Telegram or SMS service, or choose another process in the escalation node of "Bitrix OAuth".`,
  text`CANNOT PROMISE: a message that was taken by the other side and never shown. A message that was not taken is sent again, so it may come twice. No secret comes in here,
    neither token nor client_secret: keep it so. alert_url stands here in plain text.`,
)

export const giveNotes = lines(
  text`Call it with "Call a Process". It answers access_token with at least min_ttl seconds of life (default 60), expires_at and client_endpoint, and renews only for that; or error and
    error_description. After expired_token from the portal, call it with that token as stale_token. Do not keep the token: call each time.`,
  text`short=yes: it lives, but not as long as was asked. Give the call a timer of 180 seconds; the renewal goes on without the caller.`,
  'When every reader calls this process, set renew_every_minutes to 0 in the node Settings of "Bitrix OAuth".',
  text`CANNOT PROMISE: a token in a moment of trouble (a crash between the answer of Bitrix24 and its save loses the pair; see "Bitrix OAuth"). More than three renewals an hour. Secrecy: the token
    stands in plain text in the task of the caller.`,
)

export const leadNotes = lines(
  text`An example of a reader: takes the token from the state diagram and calls crm.lead.add. The application needs the right crm. Leads are not repeated after a lost
    answer.`,
  text`CANNOT PROMISE: that the token still lives (see "Bitrix OAuth": a crash between answer and save loses a pair). Secrecy: the token stands in plain text in a running task; finished tasks are not kept.`,
)
