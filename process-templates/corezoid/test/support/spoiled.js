// For every check, a way to spoil a good file so that this check must notice.

const process = (objects, title) =>
  objects.find((object) => object.obj_type === 1 && object.title === title)
const oauth = (objects) => process(objects, 'Bitrix OAuth')
const storage = (objects) => process(objects, 'Bitrix Token storage')
const give = (objects) => process(objects, 'Give a Bitrix24 token')
const node = (object, title) => object.scheme.nodes.find((one) => one.title === title)
const logic = (object, title) => node(object, title).condition.logics[0]
const renew = (objects) => logic(oauth(objects), 'Renew access_token')
const save = (objects) => logic(oauth(objects), 'Save the pair in the Token storage')
const settings = (objects) => node(oauth(objects), 'Settings')
const go = (to_node_id) => [{ type: 'go', to_node_id }]
const fresh = (id, obj_type, logics, semaphors = []) => ({
  id: id.padEnd(24, '0'),
  obj_type,
  condition: { logics, semaphors },
  title: id,
  description: '',
  x: 0,
  y: 0,
  extra: '{}',
  options: null,
})

/** @type {Record<string, (objects: object[]) => void>} */
export const spoiled = {
  'the folder comes first and holds every object': (all) => {
    oauth(all).parent_id = 5
  },
  'object ids are unique': (all) => {
    storage(all).obj_id = oauth(all).obj_id
  },
  'a process has all its keys': (all) => {
    delete oauth(all).ref_mask
  },
  'a process is active, of a known type, with a title that fits': (all) => {
    oauth(all).status = 'actived'
  },
  'a parameter has its six keys and known words': (all) => {
    delete oauth(all).params[0].regex
  },
  'a node has all its keys, in their shapes': (all) => {
    settings(all).extra = { modeForm: 'expand' }
  },
  'titles and descriptions of nodes fit': (all) => {
    settings(all).title = 'x'.repeat(241)
  },
  'node ids are 24 hexadecimal digits': (all) => {
    settings(all).id = 'settings'
  },
  'node ids are unique in the file': (all) => {
    node(storage(all), 'Active token').id = settings(all).id
  },
  'there is one Start, and it goes on': (all) => {
    settings(all).obj_type = 1
  },
  'final nodes are empty and say what they keep': (all) => {
    node(oauth(all), 'The token is saved').options = null
  },
  'every target is a node of the same process': (all) => {
    renew(all).err_node_id = 'f'.repeat(24)
  },
  'logics end in go': (all) => {
    settings(all).condition.logics.pop()
  },
  'a node without logics waits for a timer or is final': (all) => {
    node(oauth(all), 'Back off').condition.semaphors = []
  },
  'at most one action, and it comes first': (all) => {
    settings(all).condition.logics.unshift(renew(all))
  },
  'only known logics and comparisons': (all) => {
    logic(oauth(all), 'Are attempts left?').conditions[0].fun = 'le'
  },
  'actions that can fail have an error branch': (all) => {
    delete save(all).err_node_id
  },
  'values and types have the same keys': (all) => {
    delete save(all).data_type.state
  },
  'values are strings, types are known': (all) => {
    save(all).data.expires_at = 5
  },
  'an API call has the full set of fields': (all) => {
    delete renew(all).cert_pem
  },
  'an API call goes to http(s) or to a parameter': (all) => {
    renew(all).url = 'oauth.bitrix.info/oauth/token/'
  },
  'a timer counts at least 30 seconds, or names a moment': (all) => {
    node(oauth(all), 'A minute').condition.semaphors[0].value = 29
  },
  'tasks go to other objects of the same file, by number': (all) => {
    save(all).conv_id = '@storage'
  },
  'a state diagram holds only what it may': (all) => {
    node(storage(all), 'Ask Bitrix OAuth to renew').condition.logics[0] = renew(all)
  },
  'a state stays where it is unless a condition holds': (all) => {
    node(storage(all), 'Active token').condition.logics.at(-1).to_node_id = node(
      storage(all),
      'Renewal begins',
    ).id
  },
  'a condition has more than one way out': (all) => {
    const [first, ...rest] = node(oauth(all), 'Are attempts left?').condition.logics
    for (const other of rest) other.to_node_id = first.to_node_id
  },
  'what is set is read by somebody': (all) => {
    Object.assign(settings(all).condition.logics[0].extra, { spare: 'x' })
  },
  'every node can be reached': (all) => {
    oauth(all).scheme.nodes.push(fresh('abc', 0, go(settings(all).id)))
  },
  'all replies of a process have the same keys': (all) => {
    logic(process(all, 'Notify the author'), 'Reply: not told').res_data = { why: 'x' }
  },
  'an error branch decides or does something': (all) => {
    const target = node(oauth(all), 'Is there no record yet?')
    target.condition.logics = target.condition.logics.slice(-1)
  },
  'reply values that are not strings come from parameters': (all) => {
    const answer = logic(give(all), 'Answer')
    answer.res_data.expires_at = '5'
    answer.res_data_type.expires_at = 'number'
  },
  'an error branch is shared only where ordinary ways lead too': (all) => {
    logic(oauth(all), 'Create the record').err_node_id = save(all).err_node_id
  },
  'error branches lead to escalation or final nodes': (all) => {
    node(oauth(all), 'Is there no record yet?').obj_type = 0
  },
  'an action and a condition are not in one node': (all) => {
    const conditions = node(oauth(all), 'Are attempts left?').condition.logics.slice(0, 1)
    settings(all).condition.logics.splice(1, 0, ...conditions)
  },
  'a process that is called replies on every way to an end': (all) => {
    const done = node(give(all), 'Answered').id
    node(give(all), 'It is').condition.logics.at(-1).to_node_id = done
  },
  'no mock is left in': (all) => {
    settings(all).condition.stub = {}
  },
  'no secret goes into the escalation': (all) => {
    const escalation = `"access_token" doesn't update. Escalation to the process author`
    logic(oauth(all), escalation).extra.reason = '{{reason}} {{client_secret}}'
  },
  'client_secret and refresh tokens go to the authorization server only': (all) => {
    logic(process(all, 'Notify the author'), 'Send the message').extra.text = '{{client_secret}}'
  },
  'no secret stands in an address': (all) => {
    renew(all).url += '?refresh_token={{refresh_token}}'
  },
  'every address is https': (all) => {
    settings(all).condition.logics[0].extra.authorization_server = 'http://oauth.bitrix.info'
  },
  'Corezoid adds nothing to calls of foreign hosts': (all) => {
    renew(all).send_sys = true
  },
  'only named parameters are copied': (all) => {
    save(all).group = 'all'
  },
  'modifications are strict': (all) => {
    save(all).is_sync = false
  },
  'secret parameters are hidden in saved executions': (all) => {
    oauth(all).params.find(({ name }) => name === 'client_secret').flags = ['input']
  },
  'calls have a timer longer than Corezoid itself waits': (all) => {
    node(oauth(all), 'Renew access_token').condition.semaphors[0].value = 45
  },
  'one call to the authorization server at a time': (all) => {
    renew(all).max_threads = 5
  },
  'no loop of fewer than four nodes, none without a wait': (all) => {
    node(oauth(all), 'Back off').condition.semaphors[0].to_node_id = node(
      oauth(all),
      'Plan the pause',
    ).id
  },
  'a set_param reads nothing that another of its entries sets': (all) => {
    settings(all).condition.logics[0].extra.portal_zone = '{{authorization_server}}'
  },
  'every object says what it cannot promise': (all) => {
    give(all).description = 'Gives a token.'
  },
  'a crash between answer and save is named where the pair passes': (all) => {
    storage(all).description = 'CANNOT PROMISE: plain text'
  },
  'the escalation has its name': (all) => {
    node(oauth(all), `"access_token" doesn't update. Escalation to the process author`).title =
      'Escalation'
  },
  'the timer is one number with the warning beside it': (all) => {
    settings(all).description = 'renew_every_minutes'
  },
  'the token storage is a state diagram': (all) => {
    storage(all).conv_type = 'process'
  },
}
