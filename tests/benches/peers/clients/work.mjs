// What all clients in Node share: the job from the command line, the clock, the checks, one line of JSON.

import { readFileSync } from 'node:fs'

export const SELECT = { select: ['ID', 'TITLE'] }

/** The numbers from 1 to count. */
export const upTo = (count) => Array.from({ length: count }, (_, index) => index + 1)

/**
 * Does the job and prints what came of it. list answers rows, stream an iterator over them; calls,
 * gather and add how many succeeded.
 */
export async function run(tasks) {
  const job = JSON.parse(process.argv[2])
  let found = {}
  let result
  const started = performance.now()
  try {
    result = await tasks[job.task](job)
    if (job.task === 'stream') found = await drain(result, job.settled)
  } catch (error) {
    found = { failed: job.count, error: `${error.name}: ${error.message}`.slice(0, 200) }
  }
  found.wall = (performance.now() - started) / 1000
  if (found.error === undefined && job.task === 'list') Object.assign(found, check(result))
  else if (found.error === undefined && job.task !== 'stream') found.failed = job.count - result
  found.peak_kib = memory('VmHWM')
  console.log(JSON.stringify(found))
  process.exit(0)
}

/** How many promises were kept. */
export async function kept(promises) {
  const outcomes = await Promise.allSettled(promises)
  return outcomes.filter(({ status }) => status === 'fulfilled').length
}

function check(rows) {
  const ids = rows.map(({ ID }) => Number(ID))
  return {
    rows: ids.length,
    unique: new Set(ids).size,
    ordered: ids.every((id, index) => index === 0 || id > ids[index - 1]),
  }
}

async function drain(rows, settled) {
  let [number, last, ordered, base, most] = [0, 0, true, 0, 0]
  for await (const row of rows) {
    number += 1
    const id = Number(row.ID)
    ordered &&= id > last
    last = id
    if (number === settled) base = most = memory('VmRSS')
    else if (number > settled && number % 10_000 === 0) most = Math.max(most, memory('VmRSS'))
  }
  // Strictly rising ids are unique.
  return { rows: number, unique: ordered ? number : -1, ordered, growth_kib: most - base }
}

function memory(name) {
  const lines = readFileSync('/proc/self/status', 'utf8').split('\n')
  return Number(lines.find((line) => line.startsWith(name)).match(/\d+/)[0])
}
