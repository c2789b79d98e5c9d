// The interpreter itself: a scenario proves nothing if Corezoid's rules are not kept here.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Engine } from '../interpreter/engine.js'
import { ConvertError, cast, fill, functions, holds } from '../interpreter/values.js'
import { exported } from '../source/format/export.mjs'
import {
  call,
  choose,
  copy,
  end,
  input,
  is,
  number,
  post,
  reply,
  secretInput,
  set,
  start,
  state,
  wait,
  when,
} from '../source/format/nodes.mjs'

const usual = {
  errorMerged: false,
  errorMapped: false,
  timeoutType: 'software',
  late: false,
  selfGoRearms: true,
}

/** An engine with processes written in the words of the generator. */
function engine(objects, { readings = {}, http } = {}) {
  const folder = { id: 1, title: 'F', description: '' }
  folder.objects = objects.map((object, n) => ({
    id: 10 + n,
    name: `p${n}`,
    title: `P${n}`,
    type: 'process',
    description: '',
    params: [],
    layout: [Object.keys(object.nodes)],
    ...object,
  }))
  return new Engine({
    objects: exported(folder),
    readings: { ...usual, ...readings },
    now: 1000,
    http,
  })
}
const look = (data) => (path) => path.split('.').reduce((value, key) => value?.[key], data)

test('substitution: innermost first, native values, nothing is looked through twice', () => {
  const data = { a: 'b', b: 7, list: [1], object: { x: 1 }, evil: '{{b}}' }
  assert.equal(fill('{{b}}', look(data)), 7)
  assert.equal(fill('{{{{a}}}}', look(data)), 7)
  assert.equal(fill('<{{b}}{{list}}{{none}}{{object}}>', look(data)), '<7{"x":1}>')
  assert.equal(fill('{{evil}}!', look(data)), '{{b}}!')
})

test('functions and casts', () => {
  assert.equal(functions('$.math($.unixtime()+$.math(3*4))', 100), '112')
  assert.throws(() => functions('$.math(x+1)', 100), ConvertError)
  assert.equal(cast('5', 'number'), 5)
  assert.throws(() => cast('', 'number'), ConvertError)
  assert.equal(cast({ a: 1 }, 'string'), '{"a":1}')
})

test('conditions: a missing parameter is empty and orders with nothing', () => {
  const data = look({})
  const test = (fun, value, type) =>
    holds({ param: '{{none}}', fun, const: value, cast: type }, data)
  assert.equal(test('eq', '', 'string'), true)
  assert.equal(test('not_eq', '', 'string'), false)
  assert.equal(test('less', '5', 'number'), false)
  assert.equal(test('more_or_eq', '0', 'number'), false)
})

test('one task per reference, free again after the end; secrets are starred in what is saved', async () => {
  const nodes = {
    start: start('w'),
    w: wait('W', { seconds: 30 }, 'e'),
    e: end('E', { keep: true }),
  }
  const one = engine([{ nodes, params: [secretInput('secret', ''), input('plain', '')] }])
  assert.equal(one.create(10, 'r', { secret: 's', plain: 'p' }), undefined)
  assert.equal(one.create(10, 'r', {}), 'not_unical_ref')
  await one.advance(29)
  assert.equal(one.where('P0', 'r'), 'W')
  await one.advance(1)
  assert.deepEqual(one.archive, [
    { conv: 'P0', ref: 'r', end: 'E', data: { secret: '***', plain: 'p' } },
  ])
  assert.equal(one.create(10, 'r', {}), undefined)
})

test('a loop without a wait stops the run', async () => {
  const nodes = {
    start: start('a'),
    a: set('A', { x: '1' }, { next: 'b', error: 'e' }),
    b: choose('B', [when('e', is('{{x}}', '2'))], 'a'),
    e: end('E'),
  }
  const one = engine([{ nodes }])
  one.create(10, 'r', {})
  await assert.rejects(one.run(), /a loop without a wait/)
})

test('an answer that comes after the guard timer is lost', async () => {
  const nodes = {
    start: start('call'),
    call: post('Call', {
      url: 'https://x.example',
      form: {},
      answer: { a: '{{body.a}}' },
      next: 'good',
      error: 'bad',
      timer: { seconds: 30, next: 'guard' },
    }),
    good: end('good'),
    bad: end('bad'),
    guard: end('guard'),
  }
  const one = engine([{ nodes }], { http: async () => ({ lost: true }) })
  one.create(10, 'r', {})
  await one.advance(100)
  assert.deepEqual(
    one.archive.map(({ end: title }) => title),
    ['guard'],
  )
})

for (const [errorMerged, errorMapped] of [
  [false, false],
  [true, false],
  [false, true],
])
  test(`an error's body: merged ${errorMerged}, mapped ${errorMapped}`, async () => {
    const nodes = {
      start: start('call'),
      call: post('Call', {
        url: 'https://x.example',
        form: {},
        answer: { why: '{{body.error}}', lack: '{{body.none}}' },
        next: 'w',
        error: 'w',
      }),
      w: wait('W', { seconds: 60 }, 'e'),
      e: end('E'),
    }
    const http = async () => ({ status: 400, body: '{"error":"invalid_grant"}' })
    const one = engine([{ nodes }], { http, readings: { errorMerged, errorMapped } })
    one.create(10, 'r', {})
    await one.advance(5)
    const { data } = one.task('P0', 'r')
    assert.equal(data.error, errorMerged ? 'invalid_grant' : undefined)
    assert.equal(data.why, errorMapped ? 'invalid_grant' : undefined)
    assert.equal(data.__conveyor_api_return_http_code__, 400)
  })

const diagram = {
  type: 'state',
  nodes: {
    start: start('rest'),
    rest: state('Rest', [when('moved', is('{{x}}', '2'))], {
      timer: { seconds: 100, next: 'over' },
    }),
    moved: state('Moved', []),
    over: state('Over', []),
  },
}

test('a state moves on a modification whose condition holds, and not on entering', async () => {
  const one = engine([diagram])
  one.create(10, 'r', { x: '2' })
  await one.run()
  assert.equal(one.where('P0', 'r'), 'Rest')
  assert.equal(one.modify(10, 'none', {}), 'not_found_task')
  one.modify(10, 'r', { y: '1' })
  assert.equal(one.where('P0', 'r'), 'Moved')
})

for (const selfGoRearms of [true, false])
  test(`a state that is changed and stays: timer starts anew ${selfGoRearms}`, async () => {
    const one = engine([diagram], { readings: { selfGoRearms } })
    one.create(10, 'r', {})
    await one.advance(60)
    one.modify(10, 'r', { y: '1' })
    await one.advance(60)
    assert.equal(one.where('P0', 'r'), selfGoRearms ? 'Rest' : 'Over')
  })

for (const late of [true, false])
  test(`a modification from another process: late ${late}`, async () => {
    const nodes = {
      start: start('change'),
      change: copy('Change', {
        to: 'p1',
        ref: 'r',
        mode: 'modify',
        data: { x: '2' },
        next: 'w',
        error: 'e',
      }),
      w: wait('W', { seconds: 60 }, 'e'),
      e: end('E'),
    }
    const one = engine([{ nodes }, diagram], { readings: { late } })
    one.create(11, 'r', {})
    one.create(10, 'q', {})
    await one.run()
    assert.equal(one.where('P1', 'r'), late ? 'Rest' : 'Moved')
    assert.equal(one.where('P0', 'q'), 'W', 'the sender has gone on')
    await one.advance(1)
    assert.equal(one.where('P1', 'r'), 'Moved')
  })

test('a process cannot be read, a state diagram can', async () => {
  const reader = (id) => ({
    nodes: {
      start: start('read'),
      read: set('Read', { x: `{{conv[${id}].ref[r].x}}` }, { next: 'w', error: 'refused' }),
      w: wait('W', { seconds: 60 }, 'e'),
      refused: wait('Refused', { seconds: 60 }, 'e'),
      e: end('E'),
    },
  })
  const one = engine([reader(11), diagram, reader(10)])
  one.create(11, 'r', { x: '7' })
  one.create(10, 'a', {})
  one.create(12, 'b', {})
  await one.run()
  assert.equal(one.task('P0', 'a').data.x, '7')
  assert.equal(one.where('P2', 'b'), 'Refused')
})

test('a call waits for its reply; an exception takes the error branch; no reply leaves it hanging until the guard', async () => {
  const caller = {
    nodes: {
      start: start('ask'),
      ask: call('Ask', {
        to: 'p1',
        data: { n: '{{n}}' },
        next: 'good',
        error: 'bad',
        timer: { seconds: 120, next: 'guard' },
      }),
      good: end('good', { keep: true }),
      bad: end('bad'),
      guard: end('guard'),
    },
  }
  const callee = {
    nodes: {
      start: start('which'),
      which: choose(
        'Which',
        [when('yes', is('{{n}}', '1')), when('no', is('{{n}}', '2'))],
        'silent',
      ),
      yes: reply('Yes', { data: { out: number('{{n}}') }, next: 'silent' }),
      no: reply('No', { data: { out: '' }, exception: 'no', next: 'silent' }),
      silent: end('Silent'),
    },
  }
  const one = engine([caller, callee])
  for (const n of ['1', '2', '3']) one.create(10, n, { n })
  await one.advance(200)
  const ends = one.archive.filter(({ conv }) => conv === 'P0')
  assert.deepEqual(Object.fromEntries(ends.map(({ ref, end: title }) => [ref, title])), {
    1: 'good',
    2: 'bad',
    3: 'guard',
  })
  assert.equal(ends.find(({ ref }) => ref === '1').data.out, 1)
})

test('a paused process takes no task and holds what it has', async () => {
  const one = engine([
    { nodes: { start: start('w'), w: wait('W', { seconds: 30 }, 'e'), e: end('E') } },
  ])
  one.create(10, 'r', {})
  one.pause('P0')
  assert.equal(one.create(10, 'q', {}), 'conveyor_is_not_active')
  await one.advance(100)
  assert.equal(one.where('P0', 'r'), 'Start')
  one.resume('P0')
  await one.advance(30)
  assert.equal(one.archive.length, 1)
})
