/**
 * Spreads calls out. The first one passes at once, and the calls of the time behind it become one at its end. So
 * something that comes alone never waits, and something that comes often comes at most so often.
 */

/** @param apartMs the least time between two calls that pass, milliseconds. */
export function throttled(call: () => void, apartMs: number): () => void {
  let again: boolean | undefined
  const pass = () => {
    again = false
    setTimeout(() => {
      const called = again === true
      again = undefined
      if (called) pass()
    }, apartMs)
    call()
  }
  return () => {
    if (again === undefined) pass()
    else again = true
  }
}
