export const name = 'Delivered?'
export const outputs = ['receipt']
export const info =
  'Only an answer 2xx says that the message has arrived. *Told before?* keeps it until then.'

/** Reports what became of a message. */
export default function delivered(msg, { node }) {
  const { id, statusCode } = msg
  const arrived = Number(statusCode) >= 200 && Number(statusCode) < 300
  node.status(
    arrived
      ? { fill: 'green', shape: 'dot', text: 'delivered' }
      : { fill: 'yellow', shape: 'ring', text: 'not delivered; it is sent again' },
  )
  return { work: { receipt: { id, arrived, answer: statusCode } } }
}
