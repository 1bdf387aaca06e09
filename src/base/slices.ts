/**
 * Long computations in slices. Between two slices the event loop serves whatever else is waiting: other requests,
 * timers, answers of the database.
 */

/** Milliseconds of one slice. A request may hold the loop for 50 ms; several slices can meet in one turn of it. */
const sliceMs = 8

/** Computes each item in turn, and lets others in whenever a slice is over. The order of the results is the items'. */
export async function inSlices<Item, Result>(
  items: readonly Item[],
  compute: (item: Item) => Result,
): Promise<Result[]> {
  const results: Result[] = []
  let began = performance.now()
  for (const item of items) {
    if (performance.now() - began > sliceMs) {
      await new Promise<void>((resume) => setImmediate(resume))
      began = performance.now()
    }
    results.push(compute(item))
  }
  return results
}
