// Sticky notes: words for the people who open the workflow in n8n. A colour says what a part is for.
import { note } from './nodes.mjs'

const startHere = `## Start here
1. **Settings**: \`portal\` (\`example.bitrix24.com\`, or just \`example\`), \`client_id\`, \`scope\`, and \`alert_url\`, where messages go as JSON; the same \`alert_url\` in *Bitrix24 OAuth: something broke*.
2. **Ask the authorization server**: choose a credential of the type *Custom Auth* with \`{"body": {"client_secret": "..."}}\`. It is sent to \`authorization_server\` and nowhere else.
3. In the application's card in Bitrix24 the handler path is \`https://<your n8n>/webhook/bitrix24/callback\`. **Publish** this workflow.
4. Press **Execute workflow**, from *By hand* (the arrow beside the button chooses), and open the link that *Give consent: open the link* shows. The code comes back by itself.

Can Bitrix24 not reach n8n? Open the link, copy what stands between \`code=\` and \`&\` in the address bar into \`code\` of **Settings**, run it from *By hand*: the code lives 30 seconds.

**Read the token elsewhere**: the node *Execute Sub-workflow* with this workflow; in: \`min_ttl\` (seconds, default 60) and, after \`expired_token\`, \`stale_token\`.
Out: \`access_token\`, \`expires_at\`, \`client_endpoint\`, or \`error\` and \`what_to_do\`. The file *Create a new lead* shows it. Ask each time; never keep the token.`

const promises = `## What it cannot promise
- **A crash between answer and save.** A refresh token can be spent once. If n8n is killed in the milliseconds between the answer and *Save the pair*, or the answer is lost on the way, the new token is lost. It is told with this reason, consent is needed again, and the old token can be read as long as it lives. After a crash others wait up to 3 minutes for the turn.
- **A database that stays broken.** An answer that cannot be saved for 70 seconds is lost, and its refresh token is spent. That is told, and consent is needed again.
- **Secrecy on this machine.** The pair lies **in plain text** in the data table \`bitrix24_tokens\`: in n8n's database, its backups, and for everybody who may open the project's tables. The client_secret does not: it is a credential.
- **What you save.** This workflow saves no executions. What a run was started with (a spent code, an expired token) stays in n8n's database until n8n prunes it, about an hour. A workflow of yours that reads the token and saves its executions saves the token with them. While you run it by hand, the editor shows you what passes.
- **A message exactly once.** A crash right after a message was sent sends it again.
- **Two programs on one authorization.** Let one keep it. Two imports of this file with one \`reference\` share the row and are safe; two n8n are not.
- **A clock by the vendor's grace.** \`fixed_renewal_minutes\` (0 is off) renews by the clock, as the process of old did every 25 minutes. Bitrix24 asks not to do that and may block applications that do.`

export const notes = [
  note('Note: start here', 'yellow', [-50, -620, 770, 450], startHere),
  note('Note: promises', 'grey', [740, -620, 790, 450], promises),
  note(
    'Note: starts',
    'blue',
    [-50, -150, 370, 800],
    '## 1. What starts it\nA workflow that wants a token, the schedule, the browser with a code, your hand.',
  ),
  note(
    'Note: reading',
    'yellow',
    [340, 20, 1060, 480],
    '## 2. Settings, and what is to be done\nA token with enough life is answered at once. A renewal is due on request, after an unclear attempt, or after `keep_alive_days` without any.',
  ),
  // The lines are short: wires come in beside them.
  note(
    'Note: turn',
    'purple',
    [1050, 960, 920, 430],
    '## 3. One at a time\nA refresh token can be\nspent once. A run that\nwants to spend it takes\nthe turn in the table;\nthe others wait up to\n25 seconds and share\nthe result.',
  ),
  note(
    'Note: renewal',
    'green',
    [1560, -420, 1345, 640],
    '## 4. Renewal: saved before it is handed out\nThe attempt is written down first. No usable answer: a pause of 30 seconds, then 1, 2, 4 ... 30 minutes.\nWhat cannot be saved is tried again for 70 seconds.',
  ),
  note(
    'Note: escalation',
    'red',
    [1560, 340, 1345, 590],
    '## 5. "access_token" doesn\'t update. Escalation to the process author\nEach change of state is told once, and so is the recovery.\nNo secret is in a message.',
  ),
  note(
    'Note: ends',
    'orange',
    [2930, -620, 760, 1930],
    '## 6. How it ends\nEach node says what to do (`what_to_do`).',
  ),
]
