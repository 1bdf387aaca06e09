// What the servers of the campaign say on /readyz while a part of theirs is broken, and when it works again.

import { partWithinMs, within } from "./fault.ts"
import type { World } from "./world.ts"

/** The customers book all the time, so each server meets the trouble soon. Answers the troubles of the fault. */
export async function allSay(world: World, reason: string): Promise<readonly string[]> {
  const told = await within(partWithinMs, async () => (await reasonsOf(world)).every((text) => text.includes(reason)))
  return told ? [] : [`not every server said "${reason}": ${(await reasonsOf(world)).join(" | ")}`]
}

/** A sentence for each server that was not ready again within the limit. @param since on the monotonic timer. */
export async function allReadyAgain(world: World, since: number): Promise<readonly string[]> {
  const leftMs = partWithinMs - (performance.now() - since)
  const ready = await within(leftMs, async () => (await reasonsOf(world)).every((text) => text === "ready"))
  return ready ? [] : [`not every server was ready within ${partWithinMs} ms: ${(await reasonsOf(world)).join(" | ")}`]
}

const reasonsOf = ({ processes }: World): Promise<readonly string[]> =>
  Promise.all(
    processes.of("server").map(async ({ address }) => {
      const answer = await fetch(`${address}/readyz`, { signal: AbortSignal.timeout(askWithinMs) }).catch(
        () => undefined,
      )
      if (answer === undefined) return "no answer"
      return answer.status === 200 ? "ready" : ((await answer.json()) as { detail: string }).detail
    }),
  )

const askWithinMs = 5_000
