// A TypeScript program as users write it. It is compiled, not run.

import {
  Application,
  type AuditEntry,
  type Change,
  Client,
  type CommandOutcome,
  EvergrantError,
  fileShapes,
  type Grant,
  type Kind,
  RateLimitError,
  ref,
  type Token,
} from 'evergrant'

interface Lead {
  ID: string
  TITLE: string | null
}

interface LeadFilter {
  '>ID'?: number
}

export async function calls(client: Client): Promise<string[]> {
  const lead = await client.call<Lead>('crm.lead.get', { ID: 5 })
  const filter: LeadFilter = { '>ID': 5 }
  const titles = [lead.TITLE ?? '']
  const stop = new AbortController()
  for await (const row of client.list<Lead>('crm.lead.list', { filter }, { signal: stop.signal })) {
    titles.push(row.ID)
  }
  const outcomes: CommandOutcome[] = await client.batch([
    ['crm.lead.get', { ID: 1 }],
    ['profile'],
    ['log.blogpost.add', [{ POST_MESSAGE: 'x' }]],
  ])
  for (const outcome of outcomes) {
    if (outcome.ok) titles.push(String(outcome.value))
    else titles.push(outcome.error.message)
  }

  const unknown = await client.call('profile')
  // @ts-expect-error a result is unknown until the caller says what it is
  titles.push(unknown.ID)
  // @ts-expect-error parameters are an object or a list
  await client.call('profile', 'ID=5')
  // @ts-expect-error a command is a pair
  await client.batch(['profile'])
  // @ts-expect-error clients are made by functions
  new Client('https://example.bitrix24.com/rest/1/secret/')
  return titles
}

export async function lists(client: Client): Promise<number> {
  const rows = client.list<Lead>(
    'crm.lead.list',
    {},
    { limit: 5, order: { ID: 'DESC' }, strategy: 'pages', total: true, progress: true },
  )
  for await (const page of rows.pages()) page.map(({ TITLE }) => TITLE)
  const cursor: string = rows.cursor
  client.list('crm.lead.list', {}, { after: cursor, progress: (count, total) => [count, total] })
  // @ts-expect-error there is no such strategy
  client.list('crm.lead.list', {}, { strategy: 'fast' })
  const found: (Lead | null)[] = await client.getByIds<Lead>('crm.lead.list', [1, '2'])
  await client.batch(
    [
      ['crm.lead.add', {}, 'lead'],
      ['crm.lead.get', { ID: ref('lead') }],
    ],
    { halt: false, priority: 'interactive', timeoutMs: 500 },
  )
  await client.call('profile', {}, { idempotent: true, priority: 'bulk', timeoutMs: 500 })
  // @ts-expect-error keys are of REST 3.0
  await client.call('profile', {}, { idempotencyKey: 'a' })
  await client.v3.call('tasks.task.get', { id: 1 }, { idempotencyKey: 'a' })
  for await (const item of client.v3.tail<{ id: number }>('main.eventlog.tail')) item.id.toFixed()
  const bytes: number = await client.download('/x', 'report.pdf', {
    progress: (received) => received,
  })
  const { pair, fileData } = fileShapes({ name: 'a.txt', content: new Uint8Array() })
  await client.call('crm.lead.add', { fields: { UF_CRM_FILE: fileData, UF_CRM_PAIR: pair } })
  return bytes + found.length + (await client.count('crm.lead.list'))
}

export async function grants(): Promise<Token | undefined> {
  const app = await Application.open({ clientId: 'a', clientSecret: 'b', store: 'sqlite:g.db' })
  const { state } = app.authorizeUrl('example.bitrix24.com')
  const grant: Grant = await app.exchange('?code=c', { expectedState: state })
  const token: Token = await app.token(grant.id, { minTtl: 120 })
  token.accessToken.slice(0, 4)
  // @ts-expect-error a token does not change
  token.accessToken = ''
  // @ts-expect-error an application needs its secret
  await Application.open({ clientId: 'a' })
  // @ts-expect-error the state is not optional
  await app.exchange('?code=c')
  return app.tokenSync(grant.id)
}

export function problems(thrown: unknown): Kind | 'other' {
  if (thrown instanceof RateLimitError) return thrown.kind
  if (thrown instanceof EvergrantError) {
    const status: number | undefined = thrown.status
    const method: string | undefined = thrown.context.method
    return status === undefined && method === undefined ? 'network' : thrown.kind
  }
  return 'other'
}

export async function keeping(app: Application): Promise<AuditEntry[]> {
  const stop: () => void = app.onChange(async (change: Change) => {
    await app.grant(change.grant)
  })
  for await (const { generation, status } of app.changes()) {
    if (status === 'active' && generation > 1) break
  }
  stop()
  // @ts-expect-error a policy is one of three words
  await Application.open({ clientId: 'a', clientSecret: 'b', retrySpent: 'sometimes' })
  const drained: boolean = await app.shutDown(5)
  const moved: Grant = await app.transfer(1, 'code')
  return drained ? app.audit(moved.id) : []
}
