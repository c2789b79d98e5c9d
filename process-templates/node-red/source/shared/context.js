/**
 * Reads a value of this tab's context. A store without a cache answers only through the callback.
 * @param {{get: Function}} flow
 * @param {string} key
 * @param {string} store name of the context store
 * @returns {Promise<any>} a copy, so that nothing changes in the store before it is written
 */
export function read(flow, key, store) {
  return new Promise((resolve, reject) => {
    flow.get(key, store, (error, value) => {
      if (error) reject(error)
      else resolve(value === undefined || value === null ? {} : JSON.parse(JSON.stringify(value)))
    })
  })
}

/**
 * Writes a value. A store without a cache calls back when the file is in place.
 * @param {{set: Function}} flow
 * @param {string} key
 * @param {object} value
 * @param {string} store
 * @returns {Promise<void>}
 */
export function write(flow, key, value, store) {
  return new Promise((resolve, reject) => {
    flow.set(key, value, store, (error) => (error ? reject(error) : resolve()))
  })
}

/** @returns {number} Unix time in seconds */
export function seconds() {
  return Math.floor(Date.now() / 1000)
}
