// What Corezoid refuses at import or deploy, or hangs on.
import { actions, complain, logics, nodes, processes, typedFields } from './graph.js'

const keysOf = (object, keys) => keys.filter((key) => !(key in object))
const isJsonText = (value) => {
  try {
    return typeof value === 'string' && typeof JSON.parse(value) === 'object'
  } catch {
    return false
  }
}

const processKeys =
  'obj_type obj_id parent_id title description status params ref_mask conv_type scheme'.split(' ')
const nodeKeys = 'id obj_type condition title description x y extra options'.split(' ')
const paramKeys = 'name type descr flags regex regex_error_text'.split(' ')
const apiKeys =
  'type method url extra extra_type extra_headers max_threads err_node_id format send_sys debug_info customize_response rfc_format cert_pem version'.split(
    ' ',
  )
const paramTypes = ['string', 'number', 'boolean', 'object', 'array']
const paramFlags = ['required', 'input', 'output', 'auto-clear']
const comparisons = ['eq', 'not_eq', 'less', 'more', 'less_or_eq', 'more_or_eq', 'regexp']
const notInDiagrams = [
  'api',
  'api_rpc',
  'api_rpc_reply',
  'db_call',
  'git_call',
  'api_sum',
  'api_form',
  'api_code',
]
const known = [...actions, 'api_callback', 'go', 'go_if_const']
const id24 = /^[0-9a-f]{24}$/

export const format = {
  'the folder comes first and holds every object': (objects) => {
    const [folder, ...rest] = objects
    if (folder?.obj_type !== 0) return ['the first object is not a folder']
    return rest
      .filter(({ parent_id }) => parent_id !== folder.obj_id)
      .map(({ title }) => `${title} is not in the folder`)
  },
  'object ids are unique': (objects) => {
    const ids = objects.map(({ obj_id }) => obj_id)
    return ids.filter((id, n) => ids.indexOf(id) !== n).map((id) => `${id} is used twice`)
  },
  'a process has all its keys': (objects) =>
    processes(objects).flatMap((process) =>
      keysOf(process, processKeys).map((key) => `${process.title} lacks ${key}`),
    ),
  'a process is active, of a known type, with a title that fits': (objects) =>
    processes(objects)
      .filter(
        ({ status, conv_type, title, scheme }) =>
          status !== 'active' ||
          !['process', 'state'].includes(conv_type) ||
          Buffer.byteLength(title) > 255 ||
          JSON.stringify(scheme.web_settings) !== '[[],[]]',
      )
      .map(({ title }) => `${title}: status, conv_type, web_settings or title is wrong`),
  'a parameter has its six keys and known words': (objects) =>
    processes(objects).flatMap(({ title, params }) =>
      params
        .filter(
          (param) =>
            keysOf(param, paramKeys).length > 0 ||
            !paramTypes.includes(param.type) ||
            param.flags.some((flag) => !paramFlags.includes(flag)),
        )
        .map(({ name }) => `${title}: parameter ${name}`),
    ),
  'a node has all its keys, in their shapes': (objects) =>
    complain(
      nodes(objects),
      ({ node }) =>
        keysOf(node, nodeKeys).length > 0 ||
        ![0, 1, 2, 3].includes(node.obj_type) ||
        !Number.isInteger(node.x) ||
        !Number.isInteger(node.y) ||
        !isJsonText(node.extra) ||
        (node.options !== null && !isJsonText(node.options)),
      () => 'a key is missing or of the wrong shape',
    ),
  'titles and descriptions of nodes fit': (objects) =>
    complain(
      nodes(objects),
      ({ node }) => !node.title || node.title.length > 240 || node.description.length > 2000,
      () => 'title or description is too long',
    ),
  'node ids are 24 hexadecimal digits': (objects) =>
    complain(
      nodes(objects),
      ({ node }) => !id24.test(node.id),
      ({ node }) => node.id,
    ),
  'node ids are unique in the file': (objects) => {
    const seen = new Set()
    return complain(
      nodes(objects),
      ({ node }) => seen.has(node.id) || !seen.add(node.id),
      ({ node }) => `${node.id} is used twice`,
    )
  },
  'there is one Start, and it goes on': (objects) =>
    processes(objects)
      .filter(({ scheme }) => {
        const starts = scheme.nodes.filter(({ obj_type }) => obj_type === 1)
        return (
          starts.length !== 1 || starts[0].condition.logics.map(({ type }) => type).join() !== 'go'
        )
      })
      .map(({ title }) => `${title}: not one Start with one go`),
  'final nodes are empty and say what they keep': (objects) =>
    complain(
      nodes(objects).filter(({ node }) => node.obj_type === 2),
      ({ node, logics: list, semaphors }) =>
        list.length > 0 ||
        semaphors.length > 0 ||
        typeof JSON.parse(node.options ?? '{}').save_task !== 'boolean',
      () => 'a final node with logics, a timer, or without save_task',
    ),
  'every target is a node of the same process': (objects) =>
    nodes(objects).flatMap(({ process, logics: list, semaphors, at }) => {
      const ids = process.scheme.nodes.map(({ id }) => id)
      return [...list, ...semaphors]
        .flatMap(({ to_node_id, err_node_id, esc_node_id }) => [
          to_node_id,
          err_node_id,
          esc_node_id,
        ])
        .filter((id) => id !== undefined && !ids.includes(id))
        .map((id) => `${at} leads to ${id}, which is not there`)
    }),
  'logics end in go': (objects) =>
    complain(
      nodes(objects).filter(({ logics: list }) => list.length > 0),
      ({ logics: list }) => list.at(-1).type !== 'go',
      () => 'the last logic is not go',
    ),
  'a node without logics waits for a timer or is final': (objects) =>
    complain(
      nodes(objects),
      ({ node, logics: list, semaphors }) =>
        node.obj_type !== 2 && list.length === 0 && semaphors.length === 0,
      () => 'nothing leads out',
    ),
  'at most one action, and it comes first': (objects) =>
    complain(
      nodes(objects),
      ({ logics: list }) =>
        list.some(({ type }, n) => n > 0 && (actions.includes(type) || type === 'api_callback')),
      () => 'an action that is not the first logic',
    ),
  'only known logics and comparisons': (objects) =>
    complain(
      logics(objects),
      ({ logic }) =>
        !known.includes(logic.type) ||
        (logic.conditions ?? []).some(
          ({ fun, cast }) => !comparisons.includes(fun) || !paramTypes.includes(cast),
        ),
      ({ logic }) => logic.type,
    ),
  'actions that can fail have an error branch': (objects) =>
    complain(
      logics(objects, 'set_param', 'api', 'api_copy', 'api_rpc'),
      ({ logic }) => !logic.err_node_id,
      ({ logic }) => `${logic.type} without err_node_id`,
    ),
  'values and types have the same keys': (objects) =>
    logics(objects, ...actions).flatMap(({ logic, at }) =>
      typedFields[logic.type]
        .filter(
          ([values, types]) =>
            Object.keys(logic[values]).join() !== Object.keys(logic[types]).join(),
        )
        .map(([values]) => `${at}: ${values}`),
    ),
  'values are strings, types are known': (objects) =>
    logics(objects, ...actions).flatMap(({ logic, at }) =>
      typedFields[logic.type]
        .filter(
          ([values, types]) =>
            Object.values(logic[values]).some((value) => typeof value !== 'string') ||
            Object.values(logic[types]).some((type) => !paramTypes.includes(type)),
        )
        .map(([values]) => `${at}: ${values}`),
    ),
  'an API call has the full set of fields': (objects) =>
    logics(objects, 'api').flatMap(({ logic, at }) =>
      keysOf(logic, apiKeys).map((key) => `${at} lacks ${key}`),
    ),
  'an API call goes to http(s) or to a parameter': (objects) =>
    complain(
      logics(objects, 'api'),
      ({ logic }) => !/^(https?:\/\/|\{\{)/.test(logic.url),
      ({ logic }) => logic.url,
    ),
  'a timer counts at least 30 seconds, or names a moment': (objects) =>
    complain(
      nodes(objects).flatMap((place) => place.semaphors.map((timer) => ({ ...place, timer }))),
      ({ timer }) =>
        timer.type !== 'time' ||
        timer.dimension !== 'sec' ||
        (typeof timer.value === 'number' ? timer.value < 30 : !/^\{\{\w+\}\}$/.test(timer.value)),
      ({ timer }) => `${timer.value} ${timer.dimension}`,
    ),
  'tasks go to other objects of the same file, by number': (objects) =>
    complain(
      logics(objects, 'api_copy', 'api_rpc'),
      ({ logic, process }) =>
        !processes(objects).some(({ obj_id }) => obj_id === logic.conv_id) ||
        logic.conv_id === process.obj_id,
      ({ logic }) => `conv_id ${logic.conv_id}`,
    ),
  'a state diagram holds only what it may': (objects) =>
    complain(
      logics(objects).filter(({ process }) => process.conv_type === 'state'),
      ({ logic }) => notInDiagrams.includes(logic.type),
      ({ logic }) => logic.type,
    ),
  'a state stays where it is unless a condition holds': (objects) =>
    complain(
      nodes(objects).filter(({ logics: list }) => list[0]?.type === 'api_callback'),
      ({ node, process, logics: list }) =>
        process.conv_type !== 'state' || list.at(-1).to_node_id !== node.id,
      () => 'the last go does not lead to itself',
    ),
}
