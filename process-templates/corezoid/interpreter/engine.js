// Runs exported processes on a clock of its own: the same file, the same input, the same answers, the same run.
import { logics } from './logics.js'
import { ConvertError, fill, follow } from './values.js'

/**
 * What nobody outside knows about Corezoid, as choices. A template has to work with each of them.
 * @typedef {object} Readings
 * @property {boolean} errorMerged   the JSON of an answer other than 2xx is merged into the task
 * @property {boolean} errorMapped   the mapping of the answer is applied to it as well
 * @property {'software' | 'hardware'} timeoutType how an answer that never came is tagged
 * @property {boolean} late          a modification or creation takes effect a second after its sender went on
 * @property {'passes' | 'stays'} [lonelyReply] what a reply does that nobody waits for; it passes unless said otherwise
 * @property {boolean} selfGoRearms  a state whose task stays starts its timers anew
 */

const mostHops = 50

export class Engine {
  /**
   * @param {{objects: object[], readings: Readings, now: number, http: (request: object) => Promise<object>}} options
   */
  constructor({ objects, readings, now, http }) {
    Object.assign(this, { readings, now, http })
    this.events = []
    this.sequence = 0
    this.archive = []
    /** What was archived, without the stars: they are a second line of defence. */
    this.unmasked = []
    this.visited = []
    this.convs = new Map()
    for (const object of objects.filter(({ obj_type }) => obj_type === 1)) {
      const nodes = new Map(object.scheme.nodes.map((node) => [node.id, node]))
      const start = object.scheme.nodes.find(({ obj_type }) => obj_type === 1)
      this.convs.set(object.obj_id, {
        object,
        nodes,
        start,
        tasks: new Map(),
        paused: false,
        held: [],
      })
    }
  }

  conv(title) {
    return [...this.convs.values()].find(({ object }) => object.title === title)
  }

  /** The task of a process, and the title of the node that it stands in. */
  task(title, ref) {
    return this.conv(title).tasks.get(ref)
  }
  where(title, ref) {
    const task = this.task(title, ref)
    return task?.node.title
  }

  pause(title) {
    this.conv(title).paused = true
  }
  resume(title) {
    const conv = this.conv(title)
    conv.paused = false
    for (const event of conv.held.splice(0)) this.push(this.now, event.task, event.run)
  }

  /** Takes a task away in the middle of whatever it does, as a crash would. */
  kill(title, ref) {
    const { tasks } = this.conv(title)
    const task = tasks.get(ref)
    tasks.delete(ref)
    task.entry += 1
    return task
  }

  push(at, task, run) {
    this.sequence += 1
    this.events.push({ at, sequence: this.sequence, task, entry: task?.entry, run })
    this.events.sort((a, b) => a.at - b.at || a.sequence - b.sequence)
  }

  /** Runs everything that is due until then, and leaves the clock there. */
  async run(until = this.now) {
    while (this.events.length && this.events[0].at <= until) {
      const event = this.events.shift()
      this.now = Math.max(this.now, event.at)
      const { task } = event
      // What belongs to a node that the task has left is dropped: a timer, or an answer that came too late.
      if (task && task.entry !== event.entry) continue
      if (task?.conv.paused) task.conv.held.push(event)
      else await event.run()
    }
    this.now = Math.max(this.now, until)
  }
  async advance(seconds) {
    await this.run(this.now + seconds)
  }

  /** From now on no task is taken, for this reason; without a reason, they are again. */
  refuse(title, tag) {
    this.conv(title).refuses = tag
  }

  /** Why a task with this reference cannot be made. @returns {string | undefined} the tag of the error */
  refusal(id, ref) {
    const conv = this.convs.get(id)
    if (!conv) return 'access_denied'
    if (conv.paused) return 'conveyor_is_not_active'
    if (conv.tasks.has(ref)) return 'not_unical_ref'
    return conv.refuses
  }

  /** Makes a task. @returns {string | undefined} the tag of the error */
  create(id, ref, data, caller) {
    const refused = this.refusal(id, ref)
    if (refused) return refused
    const conv = this.convs.get(id)
    const name = ref || `auto-${this.sequence}`
    const task = {
      conv,
      ref: name,
      data: { ...data },
      entry: 0,
      hops: 0,
      hopTime: this.now,
      caller,
    }
    conv.tasks.set(name, task)
    this.enter(task, conv.start.id)
  }

  /** Changes a task that waits for it. @returns {string | undefined} the tag of the error */
  modify(id, ref, data, { checkOnly = false } = {}) {
    const conv = this.convs.get(id)
    if (!conv) return 'access_denied'
    if (conv.paused) return 'conveyor_is_not_active'
    const task = conv.tasks.get(ref)
    if (!task) return 'not_found_task'
    const waits = task.node.condition.logics[0]?.type === 'api_callback'
    if (!waits) return 'no_api_callback_in_node_with_task'
    if (checkOnly) return
    Object.assign(task.data, data)
    this.branch(task, task.node.condition.logics.slice(1))
  }

  /** What {{path}} is for a task. */
  look(task) {
    return (path) => {
      const other = /^conv\[(\d+)\]\.ref\[([^\]]*)\](?:\.(.*))?$/.exec(path)
      if (other) return this.read(Number(other[1]), other[2], other[3])
      if (path.startsWith('root.'))
        return { 'root.ref': task.ref, 'root.conv_id': task.conv.object.obj_id }[path]
      return follow(task.data, path)
    }
  }

  /** Only state diagrams may be read, and only tasks that are not in a final node. */
  read(id, ref, path) {
    const conv = this.convs.get(id)
    if (conv?.object.conv_type !== 'state') throw new ConvertError('access_refused')
    const task = conv.tasks.get(ref)
    if (!task) return ''
    return path ? follow(task.data, path) : task.data
  }

  enter(task, nodeId) {
    const node = task.conv.nodes.get(nodeId)
    const stays = task.node === node
    task.node = node
    if (stays && !this.readings.selfGoRearms) return
    task.entry += 1
    this.visited.push({
      at: this.now,
      conv: task.conv.object.title,
      ref: task.ref,
      title: node.title,
    })
    if (task.hopTime !== this.now) Object.assign(task, { hopTime: this.now, hops: 0 })
    task.hops += 1
    if (task.hops > mostHops)
      throw new Error(`${task.conv.object.title}: a loop without a wait at "${node.title}"`)
    if (node.obj_type === 2) return this.finish(task)
    for (const { type, value, to_node_id } of node.condition.semaphors) {
      if (type !== 'time') throw new Error(`unknown semaphore ${type}`)
      const at =
        typeof value === 'number' ? this.now + value : Number(fill(value, this.look(task)) || 0)
      this.push(Math.max(at, this.now), task, () => this.enter(task, to_node_id))
    }
    if (node.condition.logics.length) this.push(this.now, task, () => this.work(task))
  }

  finish(task) {
    task.conv.tasks.delete(task.ref)
    const { object } = task.conv
    const hidden = object.params
      .filter(({ flags }) => flags.includes('auto-clear'))
      .map(({ name }) => name)
    const data = Object.fromEntries(
      Object.entries(task.data).map(([key, value]) => [key, hidden.includes(key) ? '***' : value]),
    )
    const kept = JSON.parse(task.node.options ?? '{}').save_task
    this.archive.push({
      conv: object.title,
      ref: task.ref,
      end: task.node.title,
      data: kept ? data : null,
    })
    if (kept) this.unmasked.push(task.data)
  }

  async work(task) {
    const [first, ...rest] = task.node.condition.logics
    if (first.type === 'api_callback') return
    const action = logics[first.type]
    if (!action) return this.branch(task, task.node.condition.logics)
    await action(this, task, first, {
      done: () => this.branch(task, rest),
      failed: (data) => {
        Object.assign(task.data, data)
        this.enter(task, first.err_node_id)
      },
    })
  }

  branch(task, list) {
    const look = this.look(task)
    for (const logic of list) {
      if (logic.type === 'go') return this.enter(task, logic.to_node_id)
      if (logic.type !== 'go_if_const') throw new Error(`unexpected logic ${logic.type}`)
      if (logic.conditions.every((test) => logics.holds(test, look)))
        return this.enter(task, logic.to_node_id)
    }
    throw new Error(`${task.node.title}: no way out`)
  }
}
