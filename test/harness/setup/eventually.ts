// The only place in the tests that waits: asks again and again until an assertion holds or its time is up. For what
// happens in another process or after a commit; anything that can be awaited is awaited instead.

const firstPauseMs = 2
const longestPauseMs = 50

/** Answers what the assertion answers as soon as it does not throw; after `withinMs` fails with its last error. */
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
