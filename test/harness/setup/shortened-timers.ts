/** Timers of one length that end at once, for tests of time limits that are too long to wait for. */
import { spyOn } from "bun:test"

/** Timers of `limitMs` end at once, until the returned function is called. Other timers keep their length. */
export function endAtOnce(limitMs: number): () => void {
  const real = globalThis.setTimeout
  const timers = spyOn(globalThis, "setTimeout").mockImplementation(((work: () => void, ms?: number) =>
    real(work, ms === limitMs ? 0 : ms)) as typeof setTimeout)
  return () => timers.mockRestore()
}
