// Every combination of what is not known about Corezoid.
const choices = {
  errorMerged: [true, false],
  errorMapped: [true, false],
  timeoutType: ['software', 'hardware'],
  late: [false, true],
  selfGoRearms: [true, false],
}

export const readings = Object.entries(choices).reduce(
  (all, [name, values]) => all.flatMap((one) => values.map((value) => ({ ...one, [name]: value }))),
  [{}],
)

export const nameOf = (reading) =>
  Object.entries(reading)
    .map(([name, value]) => `${name}=${value}`)
    .join(' ')

/** Four of them that hold both values of each choice, for a run that is long. */
export const fewReadings = readings.filter(
  ({ errorMerged, errorMapped, timeoutType, late, selfGoRearms }) =>
    errorMerged === late &&
    errorMapped === selfGoRearms &&
    (timeoutType === 'software') === (late === selfGoRearms),
)
