export const name = 'Write what broke'
export const notes = 'Each error once a day'

/** The message about an unforeseen error. Long runs of characters are cut out: they may be secrets. */
export default function broken({ $input, $getWorkflowStaticData }) {
  const { execution = {}, workflow = {}, trigger } = $input.first()?.json ?? {}
  const failure = execution.error ?? trigger?.error ?? {}
  const node = execution.lastNodeExecuted ?? failure.node?.name ?? 'its start'
  const error = String(failure.message ?? 'unknown error')
    .replace(/[\w.~+/=-]{24,}/g, '...')
    .slice(0, 200)
  const now = Math.floor(Date.now() / 1000)
  const told = $getWorkflowStaticData('global')
  const same = `${workflow.name}: ${node}: ${error}`
  if (told.same === same && now < told.until) return []
  told.same = same
  told.until = now + 86400

  const text = [
    'Bitrix24 OAuth: something broke',
    `Workflow: ${workflow.name}`,
    `Node: ${node}`,
    `Reason: ${error}`,
    advice(),
  ]
  return [
    {
      json: {
        kind: 'escalation',
        title: text[0],
        text: text.join('\n'),
        state: 'workflow_error',
        workflow: workflow.name,
        node,
        reason: error,
        since: new Date(now * 1000).toISOString(),
      },
    },
  ]

  function advice() {
    const changed =
      'If the workflow or the table bitrix24_tokens was changed by hand, change it back, or import the file again.'
    const unsaved = ['Read the answer', 'A token pair?', 'Save the pair', 'Saved?']
    if (unsaved.concat('Wait five seconds', 'The pair could not be saved').includes(node))
      return `The authorization server had answered already, and its answer could not be kept. If a token pair was in it, that pair is lost, and what stands in the table is spent: only its access_token works until it expires. See to the disk and to the table bitrix24_tokens. ${changed} The next runs find out that consent is needed, and send the link.`
    if (!execution.lastNodeExecuted || node === 'Ask the authorization server')
      return `${changed} If a renewal was under way, the next run finds out whether its answer is lost, and tells.`
    return `${changed} The token that is kept is untouched.`
  }
}
