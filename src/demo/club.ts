/**
 * Scene one: a club opens. Its people register and get their roles, and its courts are created up to the plan's limit.
 */

import { newId } from "#base/ids.ts"
import { weekdays } from "#base/weekdays.ts"
import { password, type Stage, type StageActor } from "./stage.ts"

export const timezone = "Europe/Berlin"

export interface Club {
  readonly at: string
  readonly id: string
  readonly owner: StageActor
  readonly desk: StageActor
  /** Of the desk too, until he leaves. */
  readonly emil: StageActor
  readonly coach: StageActor
  readonly anna: StageActor
  readonly ben: StageActor
  readonly clara: StageActor
  /** Clara's child. */
  readonly child: { readonly id: string; readonly name: string }
  readonly courts: readonly string[]
  readonly subscriptionId: string
}

const openingHours = Object.fromEntries(weekdays.map((day) => [day, [{ open: "07:00", close: "22:00" }]]))

export async function openClub(stage: Stage): Promise<Club> {
  const { call, root, say } = stage
  say("\nA club opens")
  const run = newId().slice(-8)
  const register = async (firstName: string, lastName: string, facilityId?: string): Promise<StageActor> => {
    const email = `${firstName.toLowerCase()}.${run}@example.com`
    const person = { email, password, firstName, lastName, ...(facilityId && { facilityId }) }
    const { id } = await call(null, "POST", "/v1/users", person)
    const { token } = await call(null, "POST", "/v1/sessions", { email, password })
    return { id, name: `${firstName} ${lastName}`, email, token }
  }
  const owner = await register("Olga", "Brandt")
  const { id } = await call(root, "POST", "/v1/facilities", {
    name: `Riverside, the demo of ${run}`,
    timezone,
    currency: "EUR",
    sportTypes: ["tennis"],
    openingHours,
    ownerId: owner.id,
  })
  const at = `/v1/facilities/${id}`
  await call(owner, "PATCH", `${at}/settings`, {
    holdMinutes: 10,
    publicAvailability: true,
    taxRates: { court: 1900, coaching: 700 },
  })
  await call(owner, "PUT", `${at}/booking-policy`, {
    checkInGraceMinutes: 15,
    noShowFee: 1000,
    strikeThreshold: 3,
    restrictionDays: 14,
    startGridMinutes: 30,
    minBookingMinutes: 60,
    maxBookingMinutes: 120,
    bookingStepMinutes: 30,
    buffers: [{ minutes: 10, bookingType: "lesson" }],
    memberLimits: [{ name: "One court at a time", per: "moment", atMost: 1 }],
    holdPauseMinutes: 60,
    approvalBookingTypes: ["tournament"],
    cancellationPolicy: [
      { hoursBefore: 24, refundPercent: 100 },
      { hoursBefore: 4, refundPercent: 50 },
    ],
  })
  const [desk, coach] = [await register("Dora", "Klein", id), await register("Jonas", "Weber", id)]
  const emil = await register("Emil", "Roth", id)
  const [anna, ben, clara] = [
    await register("Anna", "Vogel", id),
    await register("Ben", "Sommer", id),
    await register("Clara", "Keller", id),
  ]
  const grant = { scopeType: "facility", scopeId: id }
  await call(owner, "POST", `/v1/users/${desk.id}/roles`, { role: "staff", ...grant })
  await call(owner, "POST", `/v1/users/${emil.id}/roles`, { role: "staff", ...grant })
  await call(owner, "POST", `/v1/users/${coach.id}/roles`, { role: "coach", ...grant })
  const child = await call(clara, "POST", `/v1/users/${clara.id}/children`, {
    firstName: "Mia",
    lastName: "Keller",
    facilityId: id,
    relationship: "mother",
    permissions: ["book", "pay", "view_feedback"],
  })

  say("\nIts plan allows three courts; the fourth needs a larger one")
  const subscription = await call(owner, "POST", `${at}/subscription`, { planId: "starter", billingCycle: "monthly" })
  const { data: accounts } = await call(owner, "GET", `${at}/billing-accounts`)
  await call(owner, "POST", `${at}/billing-accounts/${accounts[0].id}/card`, { cardToken: "tok_visa" })
  const courts: string[] = []
  const build = async (refused?: number) => {
    const court = { name: `Court ${courts.length + 1}`, resourceType: "court", hourlyPrice: 2400 }
    const made = await call(owner, "POST", `${at}/resources`, court, refused)
    if (refused === undefined) courts.push(made.id)
  }
  for (let court = 0; court < 3; court++) await build()
  await build(422)
  await call(owner, "POST", `${at}/subscription/change-plan`, { planId: "club" })
  await build()
  return {
    at,
    id,
    owner,
    desk,
    emil,
    coach,
    anna,
    ben,
    clara,
    child: { id: child.childId, name: "Mia Keller" },
    courts,
    subscriptionId: subscription.id,
  }
}
