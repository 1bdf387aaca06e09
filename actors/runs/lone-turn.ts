/**
 * One lone run at a time in a process, of all its handlers together: a lone run that dies with the process is blamed for it,
 * and must not be blamed for another handler's.
 */

/** Longer than any run that ends; one that never does must not keep the other handlers' waiting for ever. */
const longestTurnMs = 90_000

/** The end of the last turn, by the function that names the process. */
const turns = new WeakMap<() => number, Promise<void>>()

/** Runs the work when nobody else of the process has the turn; in the order of the calls. */
export async function inLoneTurn<T>(owner: () => number, work: () => Promise<T>): Promise<T> {
  const before = turns.get(owner)
  const { promise: over, resolve: end } = Promise.withResolvers<void>()
  turns.set(owner, before ? before.then(() => over) : over)
  await before
  const timer = setTimeout(end, longestTurnMs)
  try {
    return await work()
  } finally {
    clearTimeout(timer)
    end()
  }
}
