/**
 * One lone run at a time in a process, of all its handlers together: a lone run that dies with the process is blamed for it,
 * and must not be blamed for another handler's. The same holds between runs and deliveries that are sent alone: ten processes
 * that died of a run had made a dead letter of a delivery that each of them had begun with.
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
  while (sending.has(owner())) await sending.get(owner())
  const id = owner()
  beginHandling(id)
  const timer = setTimeout(end, longestTurnMs)
  try {
    return await work()
  } finally {
    clearTimeout(timer)
    endHandling(id)
    end()
  }
}

/** A run that ends its process mostly does so at once; behind many that do not, a delivery waits no longer. */
const patienceMs = 2_000
/** Runs between which no more time passes are one row of them. */
const pauseMs = 500

/** Processes that handle runs alone: since when, one after the other, and until when, on the monotonic timer, milliseconds. */
const handling = new Map<number, { readonly since: number; until: number }>()
/** Processes that send a delivery alone, with the end of its turn. */
const sending = new Map<number, Promise<void>>()

function beginHandling(owner: number): void {
  const [now, before] = [performance.now(), handling.get(owner)]
  const since = before !== undefined && now - before.until < pauseMs ? before.since : now
  handling.set(owner, { since, until: Number.POSITIVE_INFINITY })
}

function endHandling(owner: number): void {
  const row = handling.get(owner)
  if (row) row.until = performance.now()
}

/** Whether a run has the turn, and a delivery must wait. */
export function isHandlingAlone(owner: number): boolean {
  const [now, row] = [performance.now(), handling.get(owner)]
  return row !== undefined && row.until > now && now - row.since < patienceMs
}

/** The turn of a delivery, until the answer is called; undefined when another delivery has it. Runs wait meanwhile. */
export function takeSendingTurn(owner: number): (() => void) | undefined {
  if (sending.has(owner)) return undefined
  const { promise: over, resolve } = Promise.withResolvers<void>()
  sending.set(owner, over)
  return () => {
    if (sending.get(owner) === over) sending.delete(owner)
    resolve()
  }
}
