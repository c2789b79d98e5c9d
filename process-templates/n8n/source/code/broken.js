export const name = 'Write what broke'
export const notes = 'The same error is told once a day'

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

  const advice =
    'If the workflow or the table bitrix24_tokens was changed by hand, change it back, or import the file again. The token that is kept is untouched.'
  const text = [
    'Bitrix24 OAuth: something broke',
    `Workflow: ${workflow.name}`,
    `Node: ${node}`,
    `Reason: ${error}`,
    advice,
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
}
