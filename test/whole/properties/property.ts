// How every property is run. The seed is fixed, so a run that passed passes again; SLOTBASE_PROPERTY_SEED takes another
// (a number, or "random"), and SLOTBASE_PROPERTY_RUNS=20 looks at twenty times as many cases. fast-check prints the seed and
// the path of a counterexample, and the smallest one that it found in the time.

import fc from "fast-check"

const given = process.env.SLOTBASE_PROPERTY_SEED
export const seed = given === "random" ? Date.now() % 2 ** 31 : Number(given ?? 20_260_309)
const times = Number(process.env.SLOTBASE_PROPERTY_RUNS ?? 1)

/** What a property that touches no database needs, milliseconds; one that does says so itself. */
const quickMs = 5_000

/**
 * The parameters of a property.
 * @param numRuns cases, in the short form.
 * @param withinMs the search for cases, and for a smaller counterexample, ends then.
 */
export const cases = (numRuns: number, withinMs = quickMs) => ({
  seed,
  numRuns: Math.ceil(numRuns * times),
  plugins: [fc.interruptAfterTimeLimit(withinMs * Math.max(1, times))],
})

/**
 * A property whose cases take long, on a database: the case that is under way when the time is up is waited for, and counts.
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
  } finally {
    await last.catch(() => {})
  }
  await last
}

/** The time that `bun test` gives it: more than that of the search, for the last case must end and a failure be reported. */
export const timeoutOf = (withinMs = quickMs): number => withinMs * Math.max(1, times) + 20_000
