// What nobody else checks: where secrets go, and what has to hold for a pair not to be lost.
import { complain, logics, namesIn, next, nodes, processes } from './graph.js'

const secrets = [
  'client_secret',
  'refresh_token',
  'new_refresh_token',
  'access_token',
  'new_access_token',
  'code',
]
const oauthSecrets = ['client_secret', 'refresh_token', 'new_refresh_token', 'code']
const escalation = `"access_token" doesn't update. Escalation to the process author`
const shortest = 4

export const safety = {
  'no secret goes into the escalation': (objects) => {
    const notifiers = logics(objects, 'api_rpc').map(({ logic }) => logic.conv_id)
    return complain(
      logics(objects, 'api_rpc', 'api_copy').filter(
        ({ logic }) => notifiers.includes(logic.conv_id) || logic.data?.grant_type === 'message',
      ),
      ({ logic }) => namesIn(logic.extra ?? logic.data).some((name) => secrets.includes(name)),
      () => 'a secret among its parameters',
    )
  },
  'client_secret and refresh tokens go to the authorization server only': (objects) =>
    complain(
      logics(objects, 'api').filter(
        ({ logic }) => !logic.url.startsWith('{{authorization_server}}/'),
      ),
      ({ logic }) =>
        namesIn([logic.extra, logic.extra_headers, logic.url]).some((name) =>
          oauthSecrets.includes(name),
        ),
      () => 'a secret goes elsewhere',
    ),
  'no secret stands in an address': (objects) =>
    complain(
      logics(objects, 'api'),
      ({ logic }) =>
        logic.method !== 'POST' || namesIn(logic.url).some((name) => secrets.includes(name)),
      () => 'a secret in the URL',
    ),
  'every address is https': (objects) =>
    JSON.stringify(objects).includes('http://') ? ['an address with http://'] : [],
  'Corezoid adds nothing to calls of foreign hosts': (objects) =>
    complain(
      logics(objects, 'api'),
      ({ logic }) => logic.send_sys !== false || 'api_secret_outer' in logic,
      () => 'send_sys or api_secret_outer',
    ),
  'only named parameters are copied': (objects) =>
    complain(
      logics(objects, 'api_copy', 'api_rpc'),
      ({ logic }) => logic.group !== '' || logic.send_parent_data === true,
      () => 'the whole task would be sent',
    ),
  'modifications are strict': (objects) =>
    complain(
      logics(objects, 'api_copy'),
      ({ logic }) => logic.is_sync !== true,
      () => 'is_sync is off',
    ),
  'secret parameters are hidden in saved executions': (objects) =>
    processes(objects).flatMap(({ title, params }) =>
      params
        .filter(
          ({ name, flags }) =>
            [...secrets, 'stale_token'].includes(name) && !flags.includes('auto-clear'),
        )
        .map(({ name }) => `${title}: ${name} lacks auto-clear`),
    ),
  'calls have a timer longer than Corezoid itself waits': (objects) =>
    complain(
      logics(objects, 'api', 'api_rpc'),
      ({ semaphors }) => semaphors.length !== 1 || !(semaphors[0].value > 60),
      () => 'no timer over 60 seconds',
    ),
  'one call to the authorization server at a time': (objects) =>
    complain(
      logics(objects, 'api').filter(({ logic }) =>
        logic.url.startsWith('{{authorization_server}}'),
      ),
      ({ logic }) => logic.max_threads !== 1,
      () => 'max_threads is not 1',
    ),
  'no loop of fewer than four nodes, none without a wait': (objects) =>
    processes(objects).flatMap((process) => loops(process)),
  'a set_param reads nothing that another of its entries sets': (objects) =>
    complain(
      logics(objects, 'set_param'),
      ({ logic }) =>
        Object.entries(logic.extra).some(([key, value]) =>
          namesIn(value).some((name) => name !== key && name in logic.extra),
        ),
      () => 'the order of its entries would matter',
    ),
  'every object says what it cannot promise': (objects) =>
    objects
      .filter(
        ({ description }) =>
          !/CANNOT PROMISE/.test(description) ||
          !/plain text/.test(description) ||
          description.length > 2000,
      )
      .map(({ title }) => `${title}: no notes on limits and plain text`),
  'a crash between answer and save is named where the pair passes': (objects) =>
    processes(objects)
      .filter(({ title, description }) =>
        title.includes('OAuth') || title.includes('storage')
          ? !/between (the )?answer/.test(description)
          : false,
      )
      .map(({ title }) => `${title}: no word of a crash`),
  'the escalation has its name': (objects) =>
    logics(objects, 'api_rpc').some(({ node }) => node.title === escalation)
      ? []
      : [`no node is named ${escalation}`],
  'the timer is one number with the warning beside it': (objects) => {
    const settings = logics(objects, 'set_param').filter(
      ({ logic }) => 'renew_every_minutes' in logic.extra,
    )
    const [only] = settings
    const good =
      settings.length === 1 &&
      only.logic.extra.renew_every_minutes === '25' &&
      /asks not to renew on a timer and may block/.test(only.node.description)
    return good ? [] : ['renew_every_minutes is not one 25 with a warning']
  },
  'the token storage is a state diagram': (objects) =>
    nodes(objects).some(
      ({ process, node }) => process.conv_type === 'state' && node.title === 'Active token',
    )
      ? []
      : ['no state diagram holds the token'],
}

/** Loops that are too short, and loops in which nothing waits. */
function loops(process) {
  const byId = new Map(process.scheme.nodes.map((node) => [node.id, node]))
  const waits = ({ condition: { logics: list, semaphors } }) =>
    list[0]?.type === 'api_callback' || (list.length === 0 && semaphors.length > 0)
  const others = (node) => next(node).filter((id) => id !== node.id && byId.has(id))
  const found = []
  for (const node of byId.values()) {
    const round = distance(node, (one) => others(one).map((id) => byId.get(id)))
    if (round < shortest) found.push(`${process.title}, "${node.title}": a loop of ${round} nodes`)
    const busy = distance(node, (one) =>
      others(one)
        .map((id) => byId.get(id))
        .filter((other) => !waits(other)),
    )
    if (!waits(node) && busy < Infinity)
      found.push(`${process.title}, "${node.title}": a loop without a wait`)
  }
  return found
}

/** How many steps it takes from a node back to itself. */
function distance(from, follow) {
  let edge = [from]
  const seen = new Set()
  for (let steps = 1; edge.length; steps += 1) {
    const reachedNow = new Set(edge.flatMap(follow))
    if (reachedNow.has(from)) return steps
    edge = [...reachedNow].filter((node) => !seen.has(node))
    for (const node of edge) seen.add(node)
  }
  return Infinity
}
