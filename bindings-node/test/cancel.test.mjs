// AbortSignal: ends calls, batches and lists, and leaves nothing behind.

import assert from 'node:assert/strict'
import { getEventListeners } from 'node:events'
import { after, before, test } from 'node:test'

import { Client, OperationCancelledError } from 'evergrant'

import { silentPortal, sluggishPortal } from './portals.mjs'

let portal
let client
before(async () => {
  portal = await silentPortal()
  client = Client.fromWebhook(portal.webhook)
})
after(() => portal.close())

const CALLS = {
  call: (signal) => client.call('profile', {}, { signal }),
  batch: (signal) => client.batch([['profile']], { signal }),
  list: (signal) => client.list('crm.lead.list', {}, { signal }).next(),
}

for (const [name, begin] of Object.entries(CALLS)) {
  test(`${name}: an abort ends it and says why`, async () => {
    const stop = new AbortController()
    const requested = portal.requested()
    const running = begin(stop.signal)
    await requested
    const reason = new Error('the user left')
    stop.abort(reason)
    const error = await running.catch((thrown) => thrown)
    assert.ok(error instanceof OperationCancelledError, error)
    assert.equal(error.kind, 'cancelled')
    assert.equal(error.cause, reason)
    assert.match(error.stack, /cancel\.test\.mjs/)
    assert.equal(getEventListeners(stop.signal, 'abort').length, 0)
  })

  test(`${name}: an abort beforehand sends nothing`, async () => {
    await assert.rejects(begin(AbortSignal.abort('early')), {
      name: 'OperationCancelledError',
      cause: 'early',
    })
  })
}

test('a signal that outlives many calls keeps none of them', async () => {
  const refusing = Client.fromWebhook('http://127.0.0.1:1/rest/1/qwertyuiop123456/')
  const { signal } = new AbortController()
  for (let call = 0; call < 20; call += 1) {
    await assert.rejects(refusing.call('profile', {}, { signal, timeoutMs: 100 }), {
      kind: 'network',
    })
  }
  assert.equal(getEventListeners(signal, 'abort').length, 0)
})

test('one signal ends many calls, behind one listener', async () => {
  const stop = new AbortController()
  const requested = portal.requested()
  const calls = Array.from({ length: 30 }, () =>
    client.call('profile', {}, { signal: stop.signal }),
  )
  await requested
  assert.equal(getEventListeners(stop.signal, 'abort').length, 1)
  stop.abort()
  for (const outcome of await Promise.allSettled(calls)) {
    assert.equal(outcome.reason?.kind, 'cancelled')
  }
  assert.equal(getEventListeners(stop.signal, 'abort').length, 0)
})

test('AbortSignal.timeout is a time limit', async () => {
  await assert.rejects(client.call('profile', {}, { signal: AbortSignal.timeout(20) }), {
    kind: 'cancelled',
  })
})

const MUCH = 64 << 20

async function uploadsUntil(options, expected) {
  const sluggish = await sluggishPortal(MUCH)
  const file = { name: 'a.bin', content: Buffer.alloc(MUCH) }
  const uploading = Client.fromWebhook(sluggish.webhook).upload('a.b', {}, file, options)
  await assert.rejects(uploading, expected)
  assert.ok((await sluggish.rest()) < MUCH)
}

test('an upload that is aborted ends, and says that the portal may have it', async () => {
  const stop = new AbortController()
  const options = { progress: () => stop.abort('enough'), signal: stop.signal }
  const advice = /may have been executed/
  await uploadsUntil(options, { message: 'the caller cancelled', cause: 'enough', advice })
})

test('an upload whose listener throws ends', async () => {
  const progress = () => {
    throw new Error('mine')
  }
  await uploadsUntil({ progress }, { message: 'mine' })
})
