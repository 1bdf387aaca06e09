// The only place in the tests that waits: it repeats an assertion until the assertion holds or the time is up. Use it
// for effects in another process or after a commit. Await everything that can be awaited.

const firstPauseMs = 2
const longestPauseMs = 50

/** Returns the assertion's result as soon as it does not throw; fails with its last error after `withinMs`. */
export async function eventually<T>(
  assertion: () => Promise<T> | T,
  { withinMs = 20_000 }: { withinMs?: number } = {},
): Promise<T> {
  const deadline = performance.now() + withinMs
  for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(pauseMs * 2, longestPauseMs)) {
    try {
      return await assertion()
    } catch (error) {
      if (performance.now() + pauseMs > deadline) {
        if (error instanceof Error) error.message = `still not so after ${withinMs} ms: ${error.message}`
        throw error
      }
    }
    await Bun.sleep(pauseMs)
  }
}
