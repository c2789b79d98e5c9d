// Ways of looking at an exported folder that the checks share.

export const processes = (objects) => objects.filter(({ obj_type }) => obj_type === 1)
export const actions = ['set_param', 'api', 'api_copy', 'api_rpc', 'api_rpc_reply']

/** Every node with its process. */
export const nodes = (objects) =>
  processes(objects).flatMap((process) =>
    process.scheme.nodes.map((node) => ({
      process,
      node,
      logics: node.condition.logics,
      semaphors: node.condition.semaphors,
      at: `${process.title}, "${node.title}"`,
    })),
  )

/** Every logic with its node. */
export const logics = (objects, ...types) =>
  nodes(objects)
    .flatMap((place) => place.logics.map((logic) => ({ ...place, logic })))
    .filter(({ logic }) => types.length === 0 || types.includes(logic.type))

/** The messages for those that a test picks. */
export const complain = (list, wrong, say) =>
  list.filter(wrong).map((one) => `${one.at}: ${say(one)}`)

/** Where a node leads: by ordinary ways, and by its error branch. */
export function ways(node) {
  const { logics: list, semaphors } = node.condition
  return {
    ordinary: [...list, ...semaphors].map(({ to_node_id }) => to_node_id).filter(Boolean),
    error: list.map(({ err_node_id }) => err_node_id).filter(Boolean),
  }
}
export const next = (node) => [...ways(node).ordinary, ...ways(node).error]

/** The ids of nodes that a task can reach from some nodes on. */
export function reached(process, from, follow = next) {
  const byId = new Map(process.scheme.nodes.map((node) => [node.id, node]))
  const found = new Set(from)
  for (const id of found) for (const to of byId.has(id) ? follow(byId.get(id)) : []) found.add(to)
  return found
}

/** The pairs of fields that hold values and their types. */
export const typedFields = {
  set_param: [['extra', 'extra_type']],
  api: [
    ['extra', 'extra_type'],
    ['response', 'response_type'],
  ],
  api_copy: [['data', 'data_type']],
  api_rpc: [['extra', 'extra_type']],
  api_rpc_reply: [['res_data', 'res_data_type']],
}

/** The names in {{...}} of whatever is in a value. */
export const namesIn = (value) =>
  [...JSON.stringify(value ?? '').matchAll(/\{\{([A-Za-z_][\w]*)/g)].map(([, name]) => name)
