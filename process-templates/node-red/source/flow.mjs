// The tab: its settings, its nodes, where they stand and how they are wired. `source` names a file in nodes/.
import { notes, readFirst } from './notes.mjs'

const tab = 'b24oauth-tab'

/** Ids stay the same from build to build, so that a new version replaces the old one on import. */
const id = (key) => `b24oauth-${key}`

/** For each output, the node or the nodes it leads to. */
const wires = (outputs) => outputs.map((output) => [output].flat().map(id))

/** A group and its nodes. Every node: key, what Node-RED needs, its place, and `to` with one entry per output. */
function group(key, name, colour, [x, y, w, h], members) {
  const style = {
    label: true,
    'label-position': 'nw',
    color: '#333333',
    stroke: colour,
    fill: colour,
    'fill-opacity': '0.12',
  }
  const box = {
    id: id(key),
    type: 'group',
    z: tab,
    name,
    style,
    nodes: members.map((member) => id(member.key)),
    x,
    y,
    w,
    h,
  }
  return [
    box,
    ...members.map(({ key: own, to = [], ...rest }) => ({
      id: id(own),
      z: tab,
      g: id(key),
      ...rest,
      wires: wires(to),
    })),
  ]
}

/** A function node. Two may have one source: then each has a key and a name of its own. */
const code = (source, x, y, to, { key = source, name } = {}) => ({
  key,
  source,
  ...(name && { name }),
  x,
  y,
  to,
})

const inject = (key, name, property, value, x, y, to, more = {}) => ({
  key,
  type: 'inject',
  name,
  props: [{ p: property, v: JSON.stringify(value), vt: 'json' }],
  repeat: '',
  crontab: '',
  once: false,
  onceDelay: 0.1,
  topic: '',
  ...more,
  x,
  y,
  to: [to],
})

const linkIn = (key, name, links, x, y, to) => ({
  key,
  type: 'link in',
  name,
  l: true,
  links: links.map(id),
  x,
  y,
  to: [to],
})
const linkOut = (key, name, links, x, y) => ({
  key,
  type: 'link out',
  name,
  l: true,
  mode: 'link',
  links: links.map(id),
  x,
  y,
})
const junction = (key, x, y, to) => ({ key, type: 'junction', x, y, to: [to] })

const debug = (key, name, x, y) => ({
  key,
  type: 'debug',
  name,
  active: true,
  tosidebar: true,
  console: false,
  tostatus: false,
  complete: 'payload',
  targetType: 'msg',
  statusVal: '',
  statusType: 'auto',
  x,
  y,
})

const httpRequest = (key, name, x, y, to) => ({
  key,
  type: 'http request',
  name,
  method: 'use',
  ret: 'txt',
  paytoqs: 'ignore',
  url: '',
  tls: '',
  persist: false,
  proxy: '',
  insecureHTTPParser: false,
  authType: '',
  senderr: false,
  headers: [],
  x,
  y,
  to: [to],
})

const settings = [
  { name: 'portal', value: '', type: 'str' },
  { name: 'client_id', value: '', type: 'str' },
  { name: 'client_secret', value: '', type: 'cred' },
  { name: 'scope', value: 'crm', type: 'str' },
  { name: 'code', value: '', type: 'cred' },
  { name: 'alert_url', value: '', type: 'str' },
  { name: 'alert_key', value: '', type: 'cred' },
  { name: 'authorization_server', value: 'https://oauth.bitrix.info', type: 'str' },
  { name: 'context_store', value: 'disk', type: 'str' },
  { name: 'keep_alive_days', value: '20', type: 'num' },
  { name: 'fixed_renewal_minutes', value: '0', type: 'num' },
  { name: 'renewals_per_hour', value: '3', type: 'num' },
  { name: 'retry_seconds', value: '30', type: 'num' },
]

const consent = group(
  'consent',
  '1. Consent: the code comes in',
  '#3FADB5',
  [44, 99, 882, 242],
  [
    inject('get-link', 'Get the consent link', 'work', { kind: 'link' }, 190, 140, 'draw-state'),
    linkIn(
      'draw-in',
      'draw a new state',
      ['code-out', 'tick-out', 'page-out'],
      170,
      180,
      'draw-state',
    ),
    code('draw-state', 480, 140, ['show-link']),
    debug('show-link', 'Open this link in a browser', 760, 140),
    inject(
      'start',
      'At start, or pressed: the code from the settings',
      'work',
      { kind: 'start' },
      270,
      220,
      'code-out',
      { once: true, onceDelay: 0.5 },
    ),
    {
      key: 'callback',
      type: 'http in',
      name: '',
      url: '/bitrix24/callback',
      method: 'get',
      upload: false,
      skipBodyParsing: false,
      swaggerDoc: '',
      x: 180,
      y: 280,
      to: ['mark'],
    },
    {
      key: 'mark',
      type: 'change',
      name: 'redirect with a code',
      rules: [{ t: 'set', p: 'work', pt: 'msg', to: '{"kind":"callback"}', tot: 'json' }],
      x: 410,
      y: 280,
      to: ['code-out'],
    },
    linkOut('code-out', 'to: jobs', ['gate-in', 'draw-in'], 600, 250),
    linkIn('page-in', 'page', ['page-out', 'broken-page-out'], 560, 300, 'page'),
    {
      key: 'page',
      type: 'http response',
      name: 'page for the browser',
      statusCode: '',
      headers: {},
      x: 740,
      y: 300,
      to: [],
    },
  ],
)

const give = group(
  'give',
  '2. On request: give me a token',
  '#3F7FB5',
  [974, 99, 622, 122],
  [
    linkIn('give-token', 'Give me a Bitrix24 token', [], 1110, 140, 'enough-life'),
    linkIn('again-in', 'look again', ['again-out'], 1060, 180, 'enough-life'),
    code('enough-life', 1330, 160, ['answer-out', 'renew-out']),
    {
      key: 'answer-out',
      type: 'link out',
      name: 'answer',
      l: true,
      mode: 'return',
      links: [],
      x: 1510,
      y: 140,
      to: [],
    },
    linkOut('renew-out', 'to: jobs', ['gate-in'], 1500, 180),
  ],
)

const schedule = group(
  'schedule',
  '3. On schedule',
  '#7B6BB5',
  [974, 259, 622, 82],
  [
    inject(
      'tick',
      'Every minute: is anything due?',
      'work',
      { kind: 'look' },
      1150,
      300,
      'tick-out',
      { repeat: '60' },
    ),
    linkOut('tick-out', 'to: jobs', ['gate-in', 'draw-in', 'tell-in'], 1510, 300),
  ],
)

const guarded = ['settings', 'code', 'due', 'ask', 'answer', 'finish']
const renew = group(
  'renew',
  '4. Renewal: one at a time, saved before it is handed out',
  '#5FA55A',
  [44, 359, 2192, 362],
  [
    linkIn(
      'gate-in',
      'jobs',
      ['code-out', 'renew-out', 'tick-out', 'done-out', 'broken-out'],
      120,
      460,
      'one-at-a-time',
    ),
    code('one-at-a-time', 290, 460, ['settings', 'again-out']),
    linkOut('again-out', 'to: look again', ['again-in'], 480, 520),
    code('settings', 510, 460, ['code', 'due', 'line-1']),
    code('code', 740, 420, ['ask', 'due', 'line-2']),
    code('due', 960, 480, ['ask', 'line-3']),
    code('ask', 1180, 420, ['token-request', 'line-4']),
    httpRequest('token-request', 'POST oauth/token', 1400, 420, 'answer'),
    code('answer', 1630, 420, ['finish', 'unsaved-out']),
    linkOut('unsaved-out', 'to: author', ['tell-in'], 1930, 400),
    junction('line-1', 640, 580, 'line-2'),
    junction('line-2', 860, 580, 'line-3'),
    junction('line-3', 1080, 580, 'line-4'),
    junction('line-4', 1310, 580, 'finish'),
    code('finish', 1950, 580, ['done-out', 'page-out', 'tell-out', 'end-out']),
    linkOut('done-out', 'to: jobs', ['gate-in'], 2130, 520),
    linkOut('page-out', 'to: page', ['page-in', 'draw-in'], 2130, 560),
    linkOut('tell-out', 'to: author', ['tell-in'], 2140, 600),
    linkOut('end-out', 'to: ends', ['end-in'], 2130, 640),
    {
      key: 'catch',
      type: 'catch',
      name: 'unforeseen error',
      scope: guarded.map(id),
      uncaught: false,
      x: 160,
      y: 640,
      to: ['broken'],
    },
    code('broken', 370, 640, ['broken-out', 'broken-page-out', 'broken-tell-out']),
    linkOut('broken-out', 'to: jobs', ['gate-in'], 570, 600),
    linkOut('broken-page-out', 'to: page', ['page-in'], 570, 640),
    linkOut('broken-tell-out', 'to: author', ['tell-in'], 580, 680),
  ],
)

const toldBy = ['tell-out', 'unsaved-out', 'broken-tell-out', 'receipt-out', 'tick-out']
const escalation = group(
  'escalation',
  '5. "access_token" is not renewed: escalation to the process author',
  '#C0504D',
  [44, 739, 1522, 202],
  [
    linkIn('tell-in', 'author', toldBy, 120, 840, 'tell'),
    code('tell', 270, 840, ['message', 'notice']),
    code('message', 610, 800, ['escalated', 'deliver'], {
      name: '"access_token" doesn\'t update. Escalation to the process author',
    }),
    code('message', 480, 880, ['noticed', 'deliver'], {
      key: 'notice',
      name: 'Recovery and notices',
    }),
    debug('escalated', 'Escalation', 960, 780),
    debug('noticed', 'Recovery or notice', 980, 900),
    code('deliver', 970, 840, ['post', 'delivered']),
    httpRequest('post', 'POST the message', 1170, 820, 'delivered'),
    code('delivered', 1350, 840, ['receipt-out']),
    linkOut('receipt-out', 'receipt', ['tell-in'], 1490, 840),
  ],
)

/** The ends stand with their left edges in line: the third number is a node's width in the editor. */
const endings = [
  ['kept', 'A token is kept', 160],
  ['input', 'Fill in portal, client_id, client_secret', 280],
  ['portal', 'Correct the portal', 180],
  ['settings', 'Correct the settings of this tab', 260],
  ['code', 'Get a new code: it lives 30 seconds', 280],
  ['other', 'Take a code of this portal', 220],
  ['application', 'Check client_id and client_secret', 280],
  ['consent', 'Give consent: open the link', 240],
  ['payment', 'Pay for the plan or the application', 280],
  ['store', 'Repair the context store', 220],
  ['later', 'Wait: it is tried again by itself', 240],
].map(([key, name, width], n) => debug(`end-${key}`, name, 1910 + width / 2, 780 + n * 36))
const ends = group(
  'ends',
  '7. How a job ends: each node says what to do',
  '#E07B39',
  [1594, 739, 642, 442],
  [
    linkIn('end-in', 'ends', ['end-out'], 1660, 960, 'ending'),
    code(
      'ending',
      1800,
      960,
      endings.map(({ key }) => key),
    ),
    ...endings,
  ],
)

const example = group(
  'example',
  '6. Example: create a new lead',
  '#D9A441',
  [44, 959, 1522, 222],
  [
    inject(
      'new-lead',
      'Create a new lead',
      'lead',
      { TITLE: 'A new lead from Node-RED' },
      180,
      1030,
      'get-token',
    ),
    linkIn('repeat-in', 'once more', ['repeat-out'], 130, 1090, 'get-token'),
    {
      key: 'get-token',
      type: 'link call',
      name: 'Give me a Bitrix24 token',
      links: [id('give-token')],
      linkType: 'static',
      timeout: '30',
      x: 450,
      y: 1030,
      to: ['lead-request'],
    },
    code('lead-request', 670, 1030, ['lead-call', 'line-5']),
    httpRequest('lead-call', 'call the portal', 870, 1030, 'lead-answer'),
    code('lead-answer', 1050, 1030, ['lead-created', 'repeat-out', 'lead-failed']),
    debug('lead-created', 'Lead created', 1290, 1010),
    linkOut('repeat-out', 'to: once more', ['repeat-in'], 1260, 1050),
    junction('line-5', 770, 1110, 'lead-failed'),
    debug('lead-failed', 'Lead not created', 1300, 1110),
  ],
)

export const flow = [
  { id: tab, type: 'tab', label: 'Bitrix24 OAuth', disabled: false, info: notes, env: settings },
  {
    id: id('read-first'),
    type: 'comment',
    z: tab,
    name: "Start here: double-click the tab's name and fill in portal, client_id, client_secret, scope",
    info: readFirst,
    x: 330,
    y: 60,
    wires: [],
  },
  ...[consent, give, schedule, renew, escalation, example, ends].flat(),
]
