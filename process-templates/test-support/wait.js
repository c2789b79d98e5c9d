/**
 * Polls until `look` answers something truthy, and answers that.
 * @template T
 * @param {string | (() => string)} what for the error
 * @param {() => T | Promise<T>} look
 * @param {number} [deadline] milliseconds
 * @returns {Promise<NonNullable<T>>}
 */
export async function until(what, look, deadline = 15_000) {
  const end = performance.now() + deadline
  for (;;) {
    const seen = await look()
    if (seen) return seen
    if (performance.now() > end)
      throw new Error(`waited ${deadline} ms for: ${typeof what === 'function' ? what() : what}`)
    await new Promise((resolve) => {
      setTimeout(resolve, 25)
    })
  }
}
