// Turns a folder that is written in the words of nodes.mjs into what Corezoid exports.
import { createHash } from 'node:crypto'

const column = 300
const line = 260

/** The same name, the same id: 24 hexadecimal digits, as Corezoid wants them. */
const nodeId = (process, name) =>
  createHash('sha256').update(`${process}/${name}`).digest('hex').slice(0, 24)

/** Values and their types, as every logic with parameters has them. */
function typed(values) {
  const text = {}
  const types = {}
  for (const [key, value] of Object.entries(values)) {
    text[key] = value.number ?? value
    types[key] = value.number === undefined ? 'string' : 'number'
  }
  return [text, types]
}

const logics = {
  set(node, at) {
    const [extra, extra_type] = typed(node.values)
    return { type: 'set_param', extra, extra_type, err_node_id: at(node.error) }
  },
  post(node, at) {
    const [extra, extra_type] = typed(node.form ?? node.json)
    const [response, response_type] = typed(node.answer ?? {})
    const sent = node.form
      ? 'application/x-www-form-urlencoded; charset=utf-8'
      : 'application/json; charset=utf-8'
    return {
      type: 'api',
      is_migrate: true,
      rfc_format: true,
      format: '',
      content_type: 'application/json',
      method: 'POST',
      url: node.url,
      extra,
      extra_type,
      extra_headers: { 'content-type': sent, ...node.headers },
      cert_pem: '',
      max_threads: 1,
      send_sys: false,
      debug_info: true,
      err_node_id: at(node.error),
      customize_response: true,
      response,
      response_type,
      version: 2,
    }
  },
  copy(node, at, idOf) {
    const [data, data_type] = typed(node.data)
    return {
      type: 'api_copy',
      conv_id: idOf(node.to),
      ref: node.ref,
      mode: node.mode,
      is_sync: true,
      group: '',
      send_parent_data: false,
      data,
      data_type,
      err_node_id: at(node.error),
    }
  },
  call(node, at, idOf) {
    const [extra, extra_type] = typed(node.data)
    return {
      type: 'api_rpc',
      conv_id: idOf(node.to),
      extra,
      extra_type,
      group: '',
      err_node_id: at(node.error),
    }
  },
  reply(node) {
    const [res_data, res_data_type] = typed(node.data)
    const exception = node.exception
      ? { throw_exception: true, exception_reason: node.exception }
      : { throw_exception: false }
    return { type: 'api_rpc_reply', mode: 'key_value', res_data, res_data_type, ...exception }
  },
}

const go = (to) => ({ type: 'go', to_node_id: to })
const branches = (cases, at) =>
  cases.map(({ next, tests }) => ({
    type: 'go_if_const',
    to_node_id: at(next),
    conditions: tests,
  }))

function logicsOf(node, at, idOf, self) {
  if (node.kind === 'end' || node.kind === 'wait') return []
  if (node.kind === 'start') return [go(at(node.next))]
  if (node.kind === 'choose') return [...branches(node.cases, at), go(at(node.otherwise))]
  if (node.kind === 'state')
    return [{ type: 'api_callback' }, ...branches(node.cases, at), go(self)]
  return [logics[node.kind](node, at, idOf), go(at(node.next))]
}

const semaphorsOf = ({ timer }, at) =>
  timer
    ? [
        {
          type: 'time',
          value: timer.until ?? timer.seconds,
          dimension: 'sec',
          to_node_id: at(timer.next),
        },
      ]
    : []

/** Where each node stands in the layout: a list of lines, each a list of names or nulls. */
export function places(process) {
  const found = new Map()
  process.layout.forEach((names, row) => {
    names.forEach((name, col) => {
      if (!name) return
      if (found.has(name)) throw new Error(`${process.title}: ${name} is placed twice`)
      found.set(name, { row, col })
    })
  })
  for (const name of Object.keys(process.nodes))
    if (!found.has(name)) throw new Error(`${process.title}: ${name} has no place in the layout`)
  return found
}

const iconOf = ({ kind, failed }) =>
  kind === 'state' ? 'state' : kind === 'end' ? (failed ? 'error' : 'success') : ''

/** One process or state diagram. */
function objectOf(process, folder) {
  const at = (name) => {
    if (!process.nodes[name]) throw new Error(`${process.title}: there is no node ${name}`)
    return nodeId(process.name, name)
  }
  const idOf = (name) => folder.objects.find((other) => other.name === name).id
  const placed = places(process)
  const errors = new Set(Object.values(process.nodes).map(({ error }) => error))
  const type = (name, { kind }) =>
    kind === 'start' ? 1 : kind === 'end' ? 2 : errors.has(name) ? 3 : 0
  const nodes = Object.entries(process.nodes).map(([name, node]) => {
    const { row, col } = placed.get(name)
    const round = node.kind === 'start' || node.kind === 'end'
    return {
      id: at(name),
      obj_type: type(name, node),
      condition: {
        logics: logicsOf(node, at, idOf, at(name)),
        semaphors: semaphorsOf(node, at),
      },
      title: node.title,
      description: node.about ?? '',
      x: 100 + col * column + (round ? 100 : 0),
      y: 100 + row * line,
      extra: JSON.stringify({ modeForm: 'expand', icon: iconOf(node) }),
      options: node.kind === 'end' ? JSON.stringify({ save_task: node.keep === true }) : null,
    }
  })
  return {
    obj_type: 1,
    obj_id: process.id,
    parent_id: folder.id,
    title: process.title,
    description: process.description,
    status: 'active',
    params: process.params.map(({ name, descr, flags }) => ({
      name,
      type: 'string',
      descr,
      flags,
      regex: '',
      regex_error_text: '',
    })),
    ref_mask: false,
    conv_type: process.type,
    scheme: { nodes, web_settings: [[], []] },
  }
}

/** The folder as Corezoid exports it: itself, then what is in it. */
export function exported(folder) {
  const { id, title, description } = folder
  return [
    { obj_type: 0, obj_id: id, parent_id: 0, title, description },
    ...folder.objects.map((process) => objectOf(process, folder)),
  ]
}
