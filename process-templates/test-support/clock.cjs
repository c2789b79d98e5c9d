// Loaded into a workflow tool before anything else (node --require): lets a test turn the clock. Timers are not touched.
const real = Date.now.bind(Date)
let offset = 0
Date.now = () => real() + offset
globalThis.Date = new Proxy(Date, {
  construct: (date, args, as) => Reflect.construct(date, args.length ? args : [date.now()], as),
  apply: (date) => new date(date.now()).toString(),
})
process.on('message', (message) => {
  if (typeof message?.advance !== 'number') return
  offset += message.advance * 1000
  process.send({ advanced: message.advance })
})
process.channel?.unref()
