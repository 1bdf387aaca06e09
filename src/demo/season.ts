/** The last scene: a month later the standing order goes on, and the club's subscription is renewed and cancelled. */
import type { Club } from "./club.ts"
import { judgePlan, type Neighbours } from "./rules/neighbours.ts"
import { continueStandingOrder, type StandingSeries } from "./rules/standing.ts"
import type { Stage } from "./stage.ts"

const minuteMs = 60_000
const twelveDaysMs = 12 * 24 * 60 * minuteMs

export async function endSeason(
  stage: Stage,
  club: Club,
  neighbours: Neighbours,
  began: Date,
  standingOrder: StandingSeries,
): Promise<void> {
  const { call, root, say, moveTo, signIn, job } = stage
  const { at, owner, desk } = club
  say("\nTwelve days after the beginning: nobody owes anything for a change of plan that was taken back")
  await moveTo(new Date(began.getTime() + twelveDaysMs))
  await judgePlan(stage, club, neighbours.vancouver)
  await call(owner, "POST", `${neighbours.vancouver}/subscription/cancel`, {
    cancelReason: "Snow",
    atPeriodEnd: false,
  })

  say("\nA month later: the plan is renewed, and given up at the end of its period")
  const { currentPeriodEnd } = await call(owner, "GET", `${at}/subscription`)
  await moveTo(new Date(Date.parse(currentPeriodEnd) + minuteMs))
  await signIn(root)
  await signIn(owner)
  await signIn(desk)
  await continueStandingOrder(stage, club, standingOrder)
  await job("subscription-renewal-check")
  await call(owner, "POST", `${at}/subscription/cancel`, { cancelReason: "The season is over", atPeriodEnd: true })
}
