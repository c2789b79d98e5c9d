// What each kind of logic does. `done` goes on along the node; `failed` writes the error's parameters and takes the error branch.
import { asText, ConvertError, cast, fill, follow, functions, holds } from './values.js'

/** The values of a logic, filled in and cast. */
function values(engine, task, texts, types) {
  const look = engine.look(task)
  return Object.fromEntries(
    Object.entries(texts).map(([key, text]) => [
      fill(key, look),
      cast(functions(fill(text, look), engine.now), types[key]),
    ]),
  )
}

/** The same, or the tag of the error. */
function attempt(work) {
  try {
    return { value: work() }
  } catch (error) {
    if (error instanceof ConvertError) return { wrong: true }
    throw error
  }
}

function set_param(engine, task, logic, { done, failed }) {
  const { value, wrong } = attempt(() => values(engine, task, logic.extra, logic.extra_type))
  if (wrong)
    return failed({
      __conveyor_set_param_return_type_error__: 'software',
      __conveyor_set_param_return_type_tag__: 'set_param_wrong_convert_param',
    })
  Object.assign(task.data, value)
  done()
}

const apiError = (type, tag, code) => ({
  __conveyor_api_return_type_error__: type,
  __conveyor_api_return_type_tag__: tag,
  __conveyor_api_return_description__: tag,
  ...(code ? { __conveyor_api_return_http_code__: code } : {}),
})

async function api(engine, task, logic, { done, failed }) {
  const { readings } = engine
  const look = engine.look(task)
  const { value: sent, wrong } = attempt(() => values(engine, task, logic.extra, logic.extra_type))
  if (wrong) return failed(apiError('software', 'api_wrong_convert_param'))
  const answer = await engine.http({
    url: asText(fill(logic.url, look)),
    headers: logic.extra_headers,
    data: sent,
  })
  const later = (seconds, run) => engine.push(engine.now + seconds, task, run)
  if (answer.lost) {
    const tag = readings.timeoutType === 'hardware' ? 'api_timeout' : 'api_bad_answer'
    return later(60, () => failed(apiError(readings.timeoutType, tag)))
  }
  let body
  try {
    body = JSON.parse(answer.body)
  } catch {
    body = undefined
  }
  const good = [200, 201, 202].includes(answer.status)
  const spread = () => Object.assign(task.data, mapped(logic, { body, header: {} }))
  later(1, () => {
    if (body === undefined)
      return failed(
        good
          ? apiError('software', 'api_no_valid_json')
          : apiError('software', 'api_bad_answer', answer.status),
      )
    if (good) {
      spread()
      return done()
    }
    if (readings.errorMerged) Object.assign(task.data, body)
    if (readings.errorMapped) spread()
    failed(apiError('software', 'api_bad_answer', answer.status))
  })
}

/** An absent part of the answer becomes an empty text. */
function mapped(logic, answer) {
  const look = (path) => follow(answer, path) ?? ''
  return Object.fromEntries(
    Object.entries(logic.response).map(([key, text]) => [
      key,
      cast(fill(text, look), logic.response_type[key]),
    ]),
  )
}

const hardware = ['copy_task_fatal_error', 'crash_api', 'copy_task_timeout']
const copyError = (tag) => ({
  __conveyor_copy_task_return_type_error__: hardware.includes(tag) ? 'hardware' : 'software',
  __conveyor_copy_task_return_type_tag__: tag,
})

function api_copy(engine, task, logic, { done, failed }) {
  const look = engine.look(task)
  const { value: data, wrong } = attempt(() => values(engine, task, logic.data, logic.data_type))
  if (wrong) return failed(copyError('copy_task_wrong_convert_param'))
  const id = Number(fill(logic.conv_id, look))
  const ref = asText(fill(logic.ref, look))
  const { late } = engine.readings
  const error =
    logic.mode === 'modify'
      ? engine.modify(id, ref, data, { checkOnly: late })
      : late
        ? engine.refusal(id, ref)
        : engine.create(id, ref, data)
  if (error) return failed(copyError(error))
  if (late) {
    const act = () =>
      logic.mode === 'modify' ? engine.modify(id, ref, data) : engine.create(id, ref, data)
    engine.push(engine.now + 1, undefined, act)
  }
  done()
}

function api_rpc(engine, task, logic, { done, failed }) {
  const { value: data, wrong } = attempt(() => values(engine, task, logic.extra, logic.extra_type))
  const error = (tag) => ({
    __conveyor_rpc_return_type_error__: 'software',
    __conveyor_rpc_return_type_tag__: tag,
  })
  if (wrong) return failed(error('rpc_task_wrong_convert_param'))
  const entry = task.entry
  const still = (run) => (result) =>
    engine.push(engine.now, task, () => task.entry === entry && run(result))
  const refused = engine.create(Number(fill(logic.conv_id, engine.look(task))), '', data, {
    reply: still((result) => {
      Object.assign(task.data, result)
      done()
    }),
    exception: still((reason) =>
      failed({ ...error('rpc_exception'), __conveyor_rpc_reply_return_description__: reason }),
    ),
  })
  if (refused) failed(error(refused))
}

function api_rpc_reply(engine, task, logic, { done }) {
  const result = values(engine, task, logic.res_data, logic.res_data_type)
  const { caller } = task
  if (!caller && engine.readings.lonelyReply === 'stays') return
  task.caller = undefined
  if (logic.throw_exception) caller?.exception(logic.exception_reason)
  else caller?.reply(result)
  done()
}

export const logics = { set_param, api, api_copy, api_rpc, api_rpc_reply, holds }
