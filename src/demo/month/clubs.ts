/** The two clubs of the month: one in Berlin, one in Sydney. Their clocks change in opposite directions. */
import { newId } from "#base/ids.ts"
import { weekdays } from "#base/weekdays.ts"
import { password, type Stage, type StageActor } from "#demo/stage.ts"
import type { ClubSize } from "./plan.ts"

export const sizes: readonly ClubSize[] = [
  { timezone: "Europe/Berlin", hour: "09:00", courts: 4, players: 6 },
  // Often at the same instant as in Berlin.
  { timezone: "Australia/Sydney", hour: "19:00", courts: 4, players: 6 },
]

export interface MonthClub {
  readonly id: string
  readonly at: string
  readonly name: string
  readonly timezone: string
  readonly owner: StageActor
  readonly desk: StageActor
  readonly coach: StageActor
  readonly parent: StageActor
  readonly players: readonly StageActor[]
  readonly childId: string
  readonly courts: readonly string[]
}

const sellers: Readonly<Record<string, object>> = {
  "Europe/Berlin": {
    street: "Invalidenstraße 44",
    postcode: "10115",
    city: "Berlin",
    country: "DE",
    taxNumber: "37/123/45678",
  },
  "Australia/Sydney": {
    street: "1 Macquarie Street",
    postcode: "2000",
    city: "Sydney",
    country: "AU",
    taxNumber: "12 345 678 901",
  },
}

export const everybodyOf = ({ owner, desk, coach, parent, players }: MonthClub): readonly StageActor[] => [
  owner,
  desk,
  coach,
  parent,
  ...players,
]

const openingHours = Object.fromEntries(weekdays.map((day) => [day, [{ open: "07:00", close: "22:00" }]]))
const firstNames = ["Anna", "Ben", "Carla", "David", "Eva", "Felix"]

export async function openMonthClub(
  stage: Stage,
  { timezone, courts: courtCount, players: playerCount }: ClubSize,
): Promise<MonthClub> {
  const { call, root } = stage
  const run = newId().slice(-8)
  const city = timezone.split("/")[1]?.replace("_", " ") ?? timezone
  const register = async (firstName: string, lastName: string, facilityId?: string): Promise<StageActor> => {
    const email = `${firstName.toLowerCase()}.${lastName.toLowerCase()}.${run}@example.com`
    const person = { email, password, firstName, lastName, ...(facilityId && { facilityId }) }
    const { id } = await call(null, "POST", "/v1/users", person)
    const { token } = await call(null, "POST", "/v1/sessions", { email, password })
    return { id, name: `${firstName} ${lastName}`, email, token }
  }
  const owner = await register("Olga", city)
  const name = `${city} Tennis ${run}`
  const { id } = await call(root, "POST", "/v1/facilities", {
    name,
    timezone,
    currency: timezone.startsWith("Europe") ? "EUR" : "AUD",
    sportTypes: ["tennis"],
    openingHours,
    ownerId: owner.id,
  })
  const at = `/v1/facilities/${id}`
  await call(owner, "PATCH", `${at}/settings`, { holdMinutes: 10, taxRates: { court: 1900, coaching: 700 } })
  await call(owner, "PUT", `${at}/booking-policy`, {
    checkInGraceMinutes: 15,
    noShowFee: 1000,
    cancellationPolicy: [{ hoursBefore: 4, refundPercent: 100 }],
  })
  // Without them nothing is billed. Without the number, and the reason for the fee of a no-show, the bill fails.
  const exemptionReason = "A fee for not coming is a compensation, and no price"
  await call(owner, "PUT", `${at}/invoice-settings`, {
    legalName: `${name} Ltd`,
    ...sellers[timezone],
    exemptionReason,
  })
  const [desk, coach, parent] = [
    await register("Dora", city, id),
    await register("Jonas", city, id),
    await register("Clara", city, id),
  ]
  const players: StageActor[] = []
  for (const firstName of firstNames.slice(0, playerCount)) players.push(await register(firstName, city, id))
  const grant = { scopeType: "facility", scopeId: id }
  await call(owner, "POST", `/v1/users/${desk.id}/roles`, { role: "staff", ...grant })
  await call(owner, "POST", `/v1/users/${coach.id}/roles`, { role: "coach", ...grant })
  const { childId } = await call(parent, "POST", `/v1/users/${parent.id}/children`, {
    firstName: "Mia",
    lastName: city,
    facilityId: id,
    relationship: "mother",
    permissions: ["book", "pay", "view_feedback"],
  })
  await call(owner, "POST", `${at}/subscription`, { planId: "club", billingCycle: "monthly" })
  const { data: accounts } = await call(owner, "GET", `${at}/billing-accounts`)
  await call(owner, "POST", `${at}/billing-accounts/${accounts[0].id}/card`, { cardToken: "tok_visa" })
  const courts: string[] = []
  for (let court = 1; court <= courtCount; court++) {
    const made = { name: `Court ${court}`, resourceType: "court", hourlyPrice: 2400 }
    courts.push((await call(owner, "POST", `${at}/resources`, made)).id)
  }
  return { id, at, name, timezone, owner, desk, coach, parent, players, childId, courts }
}
