// Words for the people who open the tab in Node-RED's editor.

export const readFirst = `1. Double-click the name of this tab, click the list icon at the upper right (*Environment Variables*) and fill in **portal** (for example \`example.bitrix24.com\`, or just \`example\`), **client_id** and **client_secret**
   (both are in the application's card in Bitrix24) and **scope**. Press Deploy.
2. In the application's card, the redirect address is \`https://<your Node-RED>/bitrix24/callback\`.
3. Press **Get the consent link** and open the link from the debug sidebar as the user whose rights the flow shall have.

No way for the browser to reach Node-RED? Open the link all the same, copy \`code\` from the address bar into the setting **code** and press Deploy, within 30 seconds.`

export const notes = `Keeps the authorization of one Bitrix24 application alive: a code comes in once, the token is kept, renewed when somebody asks for it,
and its author is told, once, when it cannot be renewed.

## Use it
A **link call** to *Give me a Bitrix24 token*, from any tab. In: \`msg.min_ttl\` (seconds, default 60); after \`expired_token\` also \`msg.stale_token\`.
Out: \`msg.token\`: \`access_token\`, \`expires_at\`, \`client_endpoint\`, or \`error\`. Group 6 shows it.
Ask each time; never keep the token in a flow of your own.

Group 7 says how each job ended and what to do; group 5 tells the author.

## Settings
| name | what |
|---|---|
| portal | host of the portal, or the bare name of one on bitrix24.com |
| client_id, client_secret | from the application's card |
| scope | rights the application should have; a missing one is told |
| code | a first code by hand, instead of the redirect; a new one replaces the token that is kept |
| alert_url, alert_key | where messages go as JSON, and the key that goes along; no secret in the address |
| authorization_server | \`https://oauth.bitrix.info\`, or \`https://oauth.bitrix24.tech\` where your portal uses that one. The secret goes there and nowhere else |
| context_store | the store of settings.js that keeps the token |
| keep_alive_days | an unused token is renewed after so many days, long before it dies |
| fixed_renewal_minutes | 0 is off. Renewal by the clock (the old process did it every 25 minutes). **Bitrix24 asks not to renew on a timer and may block applications that do** |
| renewals_per_hour | no more renewals on request than this |
| retry_seconds | first pause after an answer that was lost; it doubles up to 30 minutes |

The token survives a restart only with a store on disk. In settings.js:

    contextStorage: {
        default: { module: "memory" },
        disk: { module: "localfilesystem", config: { cache: false } }
    },

## What it cannot promise
- The refresh token can be spent once. If Node-RED is killed, or **Deploy is pressed**, between the answer of the authorization server and the save
  (some milliseconds, in which *POST oauth/token* shows "requesting"), or if the answer is lost on the way, the new token is lost. It is told, and consent is needed again.
- While the store cannot be read or written, a new token is held in memory and tried again until it works: do not stop Node-RED then.
- A message to **alert_url** is kept until it has arrived. A crash, or Deploy, between its arrival and the note of it sends it again, under the same \`id\`.
  What you wire to the messages gets each once; whether it arrived is not known here.
- The file is written and renamed but not flushed by Node-RED: a power cut in that moment can lose it.
- The token pair stands **in plain text** in the context file (\`context/<tab>/flow.json\`), and anybody who can edit flows can read it. Guard the folder, the editor and backups.
- One Node-RED per authorization: two that share a token spend it twice. For several readers use the evergrant broker.
- Deleting this tab deletes the token that is kept.
- Messages inside group 4 carry the secret on their way to *POST oauth/token*: wire no debug node there.`
