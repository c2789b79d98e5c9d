// Rules of structure that the tool's vendor applies to processes, in our words.
import { complain, logics, namesIn, nodes, processes, reached, ways } from './graph.js'

const startOf = ({ scheme }) =>
  scheme.nodes.filter(({ obj_type }) => obj_type === 1).map(({ id }) => id)
const ordinary = (node) => ways(node).ordinary

/** Processes that a Call a Process of the file calls. */
const called = (objects) => {
  const ids = logics(objects, 'api_rpc').map(({ logic }) => logic.conv_id)
  return processes(objects).filter(
    ({ obj_id, scheme }) =>
      ids.includes(obj_id) ||
      scheme.nodes.some(({ condition }) =>
        condition.logics.some(({ type }) => type === 'api_rpc_reply'),
      ),
  )
}

export const lint = {
  'a condition has more than one way out': (objects) =>
    complain(
      nodes(objects).filter(({ logics: list }) => list.some(({ type }) => type === 'go_if_const')),
      ({ logics: list }) =>
        new Set(list.map(({ to_node_id }) => to_node_id).filter(Boolean)).size < 2,
      () => 'every way leads to the same node',
    ),
  'what is set is read by somebody': (objects) =>
    processes(objects).flatMap((process) => {
      const own = nodes([process])
      const read = new Set(
        own.flatMap(({ logics: list, semaphors }) => [
          ...namesIn(list.filter(({ type }) => type !== 'set_param')),
          ...namesIn(semaphors),
        ]),
      )
      const archived = own.some(({ node }) => JSON.parse(node.options ?? '{}').save_task)
      // What a person reads in the archive of executions is read as well.
      const forPeople = archived ? ['reason', 'advice'] : []
      return logics([process], 'set_param').flatMap(({ logic, at }) =>
        Object.keys(logic.extra)
          .filter((key) => !read.has(key) && !forPeople.includes(key))
          .filter((key) => !(logic.extra[key] === '' || copied(process, key)))
          .map((key) => `${at} sets ${key}, which nobody reads`),
      )
    }),
  'every node can be reached': (objects) =>
    processes(objects).flatMap((process) => {
      const found = reached(process, startOf(process))
      return complain(
        nodes([process]),
        ({ node }) => !found.has(node.id),
        () => 'no way leads here',
      )
    }),
  'all replies of a process have the same keys': (objects) =>
    processes(objects).flatMap((process) => {
      const keys = logics([process], 'api_rpc_reply').map(({ logic }) =>
        Object.keys(logic.res_data).sort().join(),
      )
      return new Set(keys).size > 1 ? [`${process.title}: replies differ`] : []
    }),
  'an error branch decides or does something': (objects) =>
    complain(
      nodes(objects).filter(({ node }) => node.obj_type === 3),
      ({ logics: list, semaphors }) => list.length === 1 && semaphors.length === 0,
      () => 'an escalation node that only goes on',
    ),
  'reply values that are not strings come from parameters': (objects) =>
    complain(
      logics(objects, 'api_rpc_reply'),
      ({ logic }) =>
        Object.entries(logic.res_data).some(
          ([key, value]) => logic.res_data_type[key] !== 'string' && !/^\{\{.*\}\}$/.test(value),
        ),
      () => 'a literal that is not a string',
    ),
  'an error branch is shared only where ordinary ways lead too': (objects) =>
    processes(objects).flatMap((process) => {
      const usual = reached(process, startOf(process), ordinary)
      const from = new Map()
      for (const { node } of nodes([process]))
        for (const id of ways(node).error) from.set(id, (from.get(id) ?? 0) + 1)
      return complain(
        nodes([process]),
        ({ node }) => from.get(node.id) > 1 && !usual.has(node.id),
        () => `error branch of ${'several'} nodes`,
      )
    }),
  'error branches lead to escalation or final nodes': (objects) =>
    processes(objects).flatMap((process) => {
      const types = new Map(process.scheme.nodes.map(({ id, obj_type }) => [id, obj_type]))
      return complain(
        nodes([process]),
        ({ node }) =>
          ways(node).error.some((id) => types.has(id) && ![2, 3].includes(types.get(id))),
        () => 'err_node_id leads to an ordinary node',
      )
    }),
  'an action and a condition are not in one node': (objects) =>
    complain(
      nodes(objects),
      ({ logics: list }) =>
        list[0]?.type !== 'api_callback' &&
        list[0]?.type !== 'go_if_const' &&
        list.some(({ type }) => type === 'go_if_const'),
      () => 'old format: the editor offers to convert it',
    ),
  'a process that is called replies on every way to an end': (objects) =>
    called(objects).flatMap((process) => {
      const silent = reached(process, startOf(process), (node) =>
        node.condition.logics[0]?.type === 'api_rpc_reply'
          ? []
          : [...ordinary(node), ...ways(node).error],
      )
      return complain(
        nodes([process]),
        ({ node }) => node.obj_type === 2 && silent.has(node.id),
        () => 'an end without a reply',
      )
    }),
  'no mock is left in': (objects) =>
    complain(
      nodes(objects),
      ({ node }) => node.obj_type === 4 || 'stub' in node.condition,
      () => 'a node in stub mode',
    ),
}

/** Read by other parameters that are read: through {{key}} in another set_param. */
function copied(process, key) {
  return logics([process], 'set_param').some(({ logic }) =>
    Object.entries(logic.extra).some(
      ([other, value]) => other !== key && namesIn(value).includes(key),
    ),
  )
}
