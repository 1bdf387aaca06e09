// Events one by one at a steady rate.

/** Events a second, one at a time, for so many seconds. */
export interface SteadyRate {
  readonly perSecond: number
  readonly seconds: number
}

/** Records events, whether or not the earlier ones are committed. Returns their number once all are committed. */
export async function recordAtRate(record: () => Promise<void>, { perSecond, seconds }: SteadyRate): Promise<number> {
  const events = Math.round(perSecond * seconds)
  const startedAt = performance.now()
  const recorded: Promise<void>[] = []
  for (let nth = 0; nth < events; nth++) {
    const waitMs = startedAt + (nth * 1_000) / perSecond - performance.now()
    if (waitMs > 0) await Bun.sleep(waitMs)
    recorded.push(record())
  }
  await Promise.all(recorded)
  return events
}
