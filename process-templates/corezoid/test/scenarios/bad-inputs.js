// Inputs that make no sense, and the node where each has to end.
import { portal } from '../support/stage.js'

const empty = /^Something is empty: add the task again/
const malformed = /^client_id, client_secret, scope or code is copied wrongly/
const noHost = /^The portal is not a host: write example/
export const badInputs = [
  [{ portal: undefined }, empty],
  [{ portal: '' }, empty],
  [{ client_id: '' }, empty],
  [{ portal: '', client_id: '', scope: '' }, empty],
  [{ portal: undefined, client_id: undefined, scope: undefined }, empty],
  [{ client_secret: undefined }, empty],
  [{ code: '' }, /^There is no code: open the consent link/],
  [{ code: undefined }, /^There is no code/],
  [{ portal: `https://${portal}` }, noHost],
  [{ portal: `${portal}/rest/` }, noHost],
  [{ portal: 'Example.bitrix24.com' }, noHost],
  [{ portal: 'a b' }, noHost],
  [{ portal: 'user@evil.example' }, noHost],
  [{ portal: '{{client_secret}}' }, noHost],
  [{ portal: '$.unixtime()' }, noHost],
  [{ client_id: 'local.1&x=2' }, malformed],
  [{ client_id: '$.random(5)' }, malformed],
  [{ scope: '$.math(x+1)' }, malformed],
  [{ scope: 'crm&user' }, malformed],
  [{ code: 'abc&domain=x' }, malformed],
  [{ client_secret: 'a b' }, malformed],
  [{ code: 'x'.repeat(600) }, malformed],
]
