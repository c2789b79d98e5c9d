import { after, test } from 'node:test'

/**
 * Tests that are also lines of a table, printed when all have run.
 * @param {string} title what the scenarios were run in
 * @returns {(name: string, act: () => Promise<string | void>) => void} `act` may answer what it measured
 */
export function scenarios(title) {
  const rows = []
  after(() => {
    const width = Math.max(...rows.map(({ name }) => name.length))
    console.log(`\n${title}`)
    for (const { result, name, seconds, note } of rows)
      console.log(
        `${result}  ${name.padEnd(width)}  ${seconds.toFixed(1).padStart(6)} s  ${note}`.trimEnd(),
      )
    console.log(
      `${rows.filter(({ result }) => result === 'passed').length} of ${rows.length} passed`,
    )
  })
  return (name, act) =>
    test(name, async () => {
      const row = { name, result: 'FAILED', seconds: 0, note: '' }
      rows.push(row)
      const started = performance.now()
      try {
        row.note = (await act()) ?? ''
        row.result = 'passed'
      } finally {
        row.seconds = (performance.now() - started) / 1000
      }
    })
}
