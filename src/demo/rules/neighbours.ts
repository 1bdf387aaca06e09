/** Other clubs of the same owner: a night in Budapest, a skipped hour in Cairo, a winter and a plan in Vancouver. */
import { localDateOf, localTimeOf, spanOfDay } from "#base/local-days.ts"
import { weekdays } from "#base/weekdays.ts"
import type { Club } from "#demo/club.ts"
import type { Stage } from "#demo/stage.ts"

export interface Neighbours {
  /** Of all other clubs. */
  readonly ids: readonly string[]
  /** The address of the club in Vancouver, which has a plan and no card. */
  readonly vancouver: string
}

const dayHours = 24
const hourMs = 3_600_000
const longestWaitDays = 400

export async function visitNeighbours(stage: Stage, club: Club): Promise<Neighbours> {
  const { call, root, say } = stage
  say("\nElsewhere the clocks and the money are others")
  const open = async (city: string, timezone: string, currency: string, openingHours?: object) => {
    const body = { name: `${city}, beside ${club.at.slice(-6)}`, timezone, currency, sportTypes: ["tennis"] }
    const { id } = await call(root, "POST", "/v1/facilities", {
      ...body,
      ownerId: club.owner.id,
      ...(openingHours && { openingHours }),
    })
    return { id: id as string, at: `/v1/facilities/${id}`, timezone }
  }
  const budapest = await open("Budapest", "Europe/Budapest", "HUF")
  await playAtNight(stage, club, budapest)
  const cairo = await open("Cairo", "Africa/Cairo", "EGP", {
    friday: [
      { open: "00:00", close: "00:30" },
      { open: "01:00", close: "03:00" },
    ],
  })
  await skipAnHour(stage, club, cairo)
  const hours = Object.fromEntries(weekdays.map((day) => [day, [{ open: "08:00", close: "20:00" }]]))
  const vancouver = await open("Vancouver", "America/Vancouver", "CAD", hours)
  await playInWinter(stage, club, vancouver)
  await changePlanAndBack(stage, club, vancouver.at)
  return { ids: [budapest.id, cairo.id, vancouver.id], vancouver: vancouver.at }
}

interface Place {
  readonly at: string
  readonly timezone: string
}

async function playAtNight({ ask, bites, call, now }: Stage, { owner }: Club, { at, timezone }: Place): Promise<void> {
  const price = { name: "Hall", resourceType: "court", hourlyPrice: 2550 }
  const odd = await ask(owner, "POST", `${at}/resources`, price)
  bites({
    rule: "amount that can be moved",
    asked: "the owner wants 25.50 forints an hour",
    answer: odd,
    found: [odd.status, odd.code],
    right: [422, "amount_not_movable"],
    why: "only whole forints can be paid out",
  })
  const hall = await call(owner, "POST", `${at}/resources`, { ...price, hourlyPrice: 0 })
  const change = await dayOf(timezone, now, ({ start, end }) => end - start !== dayHours * hourMs)
  const eve = Temporal.PlainDate.from(change).subtract({ days: 1 }).toString()
  const nights = await ask(owner, "POST", `${at}/recurring-bookings`, {
    resourceId: hall.id,
    bookerId: owner.id,
    paymentMethod: "waived",
    startDate: eve,
    startTime: "22:00",
    endTime: "06:00",
    rule: "FREQ=DAILY;COUNT=2",
    windowDays: 365,
  })
  const made = nights.body.occurrences as readonly Time[]
  const usual = spanOfDay(timezone, change).end - spanOfDay(timezone, change).start < dayHours * hourMs ? 7 : 9
  bites({
    rule: "end by the clock",
    asked: "the hall is taken from 22:00 to 06:00, in the night when the clocks change and in the next one",
    answer: nights,
    found: made.map((each) => [localTimeOf(timezone, Date.parse(each.endAt)), hoursOf(each)]),
    right: [
      ["06:00", usual],
      ["06:00", 8],
    ],
    why: `it ends at 06:00 by the clock, once after ${usual} hours and once after 8`,
  })
  const { start, end } = spanOfDay(timezone, change)
  const range = `from=${new Date(start).toISOString()}&to=${new Date(end).toISOString()}`
  const day = await ask(owner, "GET", `${at}/bookings?${range}`)
  bites({
    rule: "range of a list",
    asked: "the owner lists the bookings of the day between the two nights",
    answer: day,
    found: day.body.data.map(({ startAt }: Time) => startAt).sort(),
    right: made.map(({ startAt }) => startAt),
    why: "the night that began on the day before is there too",
  })
}

async function skipAnHour({ ask, bites, call, now }: Stage, { owner }: Club, { at, timezone }: Place): Promise<void> {
  await call(owner, "PATCH", `${at}/settings`, { slotMinutes: 30 })
  await call(owner, "POST", `${at}/resources`, { name: "Court", resourceType: "court", hourlyPrice: 5000 })
  const change = await dayOf(timezone, now, ({ start, end }) => end - start < dayHours * hourMs)
  const day = await ask(owner, "GET", `${at}/availability?date=${change}`)
  bites({
    rule: "skipped hour",
    asked: "the slots of the Friday in Cairo that begins at 01:00; the court is open 00:00–00:30 and 01:00–03:00",
    answer: day,
    found: slotsOf(day.body).map(({ startAt }) => localTimeOf(timezone, Date.parse(startAt))),
    right: ["01:00", "01:30", "02:00", "02:30"],
    why: "hours inside the skipped hour are none, and no slot is listed twice",
  })
}

async function playInWinter({ ask, bites, call, now }: Stage, { owner }: Club, { at, timezone }: Place): Promise<void> {
  const today = Temporal.PlainDate.from(localDateOf(timezone, (await now()).getTime()))
  const winter = `${today.year + 1}-01-15`
  await call(owner, "POST", `${at}/resources`, { name: "Court", resourceType: "court", hourlyPrice: 3000 })
  const day = await ask(owner, "GET", `${at}/availability?date=${winter}`)
  bites({
    rule: "zone data",
    asked: "the first slot of a day in January in Vancouver",
    answer: day,
    found: slotsOf(day.body)[0]?.startAt,
    right: `${winter}T15:00:00.000Z`,
    why: "08:00 there is seven hours after UTC, in winter too, since the law of 2026",
  })
}

async function changePlanAndBack({ call, until }: Stage, { owner }: Club, at: string): Promise<void> {
  const { id } = await call(owner, "POST", `${at}/subscription`, { planId: "starter", billingCycle: "monthly" })
  const card = { referenceType: "subscription", referenceId: id, cardToken: "tok_visa" }
  await call(owner, "POST", `${at}/payments`, card)
  await until(
    "the paid period",
    () => call(owner, "GET", `${at}/subscription/invoices`),
    ({ data }) => data[0].status === "paid",
  )
  await call(owner, "POST", `${at}/subscription/change-plan`, { planId: "club" })
  await call(owner, "POST", `${at}/subscription/change-plan`, { planId: "starter" })
}

/** Twelve days after the plan was changed and changed back. */
export async function judgePlan({ ask, bites, call, job }: Stage, { owner }: Club, at: string): Promise<void> {
  await job("subscription-renewal-check")
  const answer = await ask(owner, "GET", `${at}/subscription`)
  const { data } = await call(owner, "GET", `${at}/subscription/invoices`)
  const open = data.reduce((sum: number, each: Invoice) => (each.status === "open" ? sum + each.amount : sum), 0)
  bites({
    rule: "credit and debt",
    asked: "a paid plan was enlarged and made smaller at once, without a card; twelve days later it is judged",
    answer,
    // The prices of the two changes are a few milliseconds apart, which may be a cent.
    found: [answer.body.status, answer.body.planId, open <= 1, answer.body.creditBalance <= 1],
    right: ["active", "starter", true, true],
    why: "there and back costs nothing, so nothing is open and nobody is past due",
  })
}

/** The first local day whose span is the wanted one. The last Friday of April may be 53 weeks after the one before. */
async function dayOf(
  timezone: string,
  now: Stage["now"],
  isIt: (span: ReturnType<typeof spanOfDay>) => boolean,
): Promise<string> {
  let day = Temporal.PlainDate.from(localDateOf(timezone, (await now()).getTime())).add({ days: 2 })
  for (let n = 0; n < longestWaitDays; n++, day = day.add({ days: 1 }))
    if (isIt(spanOfDay(timezone, day.toString()))) return day.toString()
  throw new Error(`The clocks of ${timezone} do not change.`)
}

const slotsOf = (body: { resources: readonly { slots: readonly Time[] }[] }) => body.resources[0]?.slots ?? []
const hoursOf = ({ startAt, endAt }: Time) => (Date.parse(endAt) - Date.parse(startAt)) / hourMs

interface Time {
  readonly startAt: string
  readonly endAt: string
}
interface Invoice {
  readonly status: string
  readonly amount: number
}
