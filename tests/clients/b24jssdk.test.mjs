// @bitrix24/b24jssdk, the vendor's JavaScript SDK, takes the emulator for a portal and its OAuth server.

import assert from 'node:assert/strict'
import { createRequire } from 'node:module'
import { after, before, it } from 'node:test'

import { control, Emulator } from '../node/emulator.mjs'

// Installed outside the tree; the folder is named by the caller.
const sdk = createRequire(`${process.env.CLIENTS_NODE}/package.json`)('@bitrix24/b24jssdk')
const { ApiVersion, B24Hook, B24OAuth, EnumAppStatus } = sdk
let portal

before(async () => {
  portal = process.env.CLIENTS_READY
    ? running(JSON.parse(process.env.CLIENTS_READY))
    : await Emulator.start({ leads: 300, deals: 10, contacts: 10 })
})
after(() => portal.stop())

/** The emulator that `with_tls.py` has started, seen as one of ours. */
function running(ready) {
  const ask = (method, path, body) => control(ready.control, method, path, body)
  return {
    ready,
    control: ask,
    consent: () => ask('POST', '/consent', { user_id: 1 }),
    advance: (seconds) => ask('POST', '/clock', { advance: seconds }),
    stop: () => {},
  }
}

/** It forces https on webhooks: over plain HTTP the address is put back. */
function asServed(b24) {
  if (portal.ready.portal.startsWith('https:')) return b24
  for (const version of [ApiVersion.v2, ApiVersion.v3]) {
    b24.getHttpClient(version).ajaxClient.interceptors.request.use((request) => {
      request.url = request.url?.replace(/^https:/, 'http:')
      if (request.baseURL) request.baseURL = request.baseURL.replace(/^https:/, 'http:')
      return request
    })
  }
  return b24
}

it('lists and adds in batches through a webhook', async () => {
  const secret = portal.ready.webhook.split('/').filter(Boolean).at(-1)
  const b24 = asServed(new B24Hook({ b24Url: portal.ready.portal, userId: 1, secret }))
  const listed = await b24.actions.v2.callList.make({
    method: 'crm.lead.list',
    params: { select: ['ID', 'TITLE'] },
  })
  assert.deepEqual(
    listed.getData().map(({ ID }) => Number(ID)),
    Array.from({ length: 300 }, (_, index) => index + 1),
  )
  const calls = Array.from({ length: 60 }, (_, n) => [
    'crm.lead.add',
    { fields: { TITLE: `js ${n}` } },
  ])
  const added = await b24.actions.v2.batchByChunk.make({
    calls,
    options: { isHaltOnError: false },
  })
  assert.equal(added.getData().length, 60)
})

it('refreshes an expired token', async () => {
  const { code } = await portal.consent()
  const answer = await fetch(
    `${portal.ready.authorization}/oauth/token/?${new URLSearchParams({
      grant_type: 'authorization_code',
      client_id: portal.ready.client_id,
      client_secret: portal.ready.client_secret,
      code,
    })}`,
  ).then((response) => response.json())
  const before = (await portal.control('GET', '/counters')).authorization.refreshes
  const b24 = new B24OAuth(
    {
      applicationToken: 'unused',
      userId: answer.user_id,
      memberId: answer.member_id,
      accessToken: answer.access_token,
      refreshToken: answer.refresh_token,
      expires: answer.expires,
      expiresIn: answer.expires_in,
      scope: answer.scope,
      domain: portal.ready.portal,
      clientEndpoint: answer.client_endpoint,
      serverEndpoint: answer.server_endpoint,
      status: EnumAppStatus.Local,
    },
    { clientId: portal.ready.client_id, clientSecret: portal.ready.client_secret },
  )
  const get = () => b24.actions.v2.call.make({ method: 'crm.lead.get', params: { ID: 5 } })
  assert.equal((await get()).getData().result.ID, '5')
  await portal.advance(3600)
  assert.equal((await get()).getData().result.ID, '5')
  const refreshes = (await portal.control('GET', '/counters')).authorization.refreshes
  assert.equal(refreshes - before, 1)
})
