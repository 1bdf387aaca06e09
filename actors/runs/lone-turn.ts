/**
 * One lone run at a time in a process, of all its handlers together: a lone run that dies with the process is blamed for it,
 * and must not be blamed for another handler's.
 */

let turn: Promise<unknown> = Promise.resolve()

/** Runs the work when nobody else has the turn; in the order of the calls. */
export function inLoneTurn<T>(work: () => Promise<T>): Promise<T> {
  const mine = turn.then(work)
  turn = mine.catch(() => {})
  return mine
}
