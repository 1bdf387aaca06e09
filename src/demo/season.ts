/** The last scene: a month later the club's subscription is renewed, and then cancelled. */
import type { Club } from "./club.ts"
import type { Stage } from "./stage.ts"

const minuteMs = 60_000

export async function endSeason(stage: Stage, { at, owner }: Club): Promise<void> {
  const { call, root, say, moveTo, signIn, job } = stage
  say("\nA month later: the plan is renewed, and given up at the end of its period")
  const { currentPeriodEnd } = await call(owner, "GET", `${at}/subscription`)
  await moveTo(new Date(Date.parse(currentPeriodEnd) + minuteMs))
  await signIn(root)
  await signIn(owner)
  await job("subscription-renewal-check")
  await call(owner, "POST", `${at}/subscription/cancel`, { cancelReason: "The season is over", atPeriodEnd: true })
}
