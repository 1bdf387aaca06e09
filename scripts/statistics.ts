// The statistics that the benchmarks and the fault campaign report.

/** Rounds to two decimals. */
export const round = (value: number) => Math.round(value * 100) / 100

/** A percentile of values that are already sorted, ascending; `p` is between 0 and 1. NaN for no values. */
export const percentile = (sorted: readonly number[], p: number) =>
  round(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * p))] ?? Number.NaN)

/** The median; of an even number of values, the upper of the two in the middle. NaN for no values. */
export const median = (values: readonly number[]) =>
  [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN
