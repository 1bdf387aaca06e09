// How every property is run. The seed is fixed, so a run that passed passes again.
//
// - SLOTBASE_PROPERTY_SEED sets another seed (a number, or "random").
// - SLOTBASE_PROPERTY_RUNS=20 tries twenty times as many cases.
//
// fast-check prints the seed and the path of a counterexample, and the smallest one found in the time.

import fc from "fast-check"

const given = process.env.SLOTBASE_PROPERTY_SEED
export const seed = given === "random" ? Date.now() % 2 ** 31 : Number(given ?? 20_260_309)
const times = Number(process.env.SLOTBASE_PROPERTY_RUNS ?? 1)

/** The time for a property without a database, in milliseconds; a property with a database sets its own. */
const quickMs = 5_000

/**
 * The parameters of a property.
 * @param numRuns cases, in the short form.
 * @param withinMs the time limit of the search for cases and for a smaller counterexample.
 */
export const cases = (numRuns: number, withinMs = quickMs) => ({
  seed,
  numRuns: Math.ceil(numRuns * times),
  plugins: [fc.interruptAfterTimeLimit(withinMs * Math.max(1, times))],
})

/**
 * A property with long cases on a database: the case in progress at the time limit is awaited and counts.
 * @param work fails when the value breaks the property.
 */
export async function holds<T>(
  values: fc.Arbitrary<T>,
  work: (value: T) => Promise<void>,
  { numRuns, withinMs }: { readonly numRuns: number; readonly withinMs: number },
): Promise<void> {
  let last = Promise.resolve()
  const property = fc.asyncProperty(values, (value) => {
    last = work(value)
    return last
  })
  try {
    await fc.assert(property, cases(numRuns, withinMs))
  } catch (error) {
    // On a slow machine the first case may take longer than the limit. It counts all the same.
    const isFirst = error instanceof Error && error.message.startsWith("Property interrupted after 0 tests")
    if (!isFirst) throw error
  } finally {
    await last.catch(() => {})
  }
  await last
}

/**
 * The timeout for `bun test`: longer than the search, because the last case must end and a failure must be reported.
 */
export const timeoutOf = (withinMs = quickMs): number => withinMs * Math.max(1, times) + 20_000
