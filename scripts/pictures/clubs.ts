// The clubs of the pictures, made and played in through the API, as their owners and members would.

import { instantOf } from "#base/local-days.ts"
import { weekdays } from "#base/weekdays.ts"
import { rootKey } from "#test/harness/setup/system.ts"
import { dayAfter, zone } from "./calendar.ts"

/** Answers the body. Throws at every status that is none of success. @param token null: nobody is signed in */
export type Call = <Body = Made>(method: string, path: string, body?: object, token?: string | null) => Promise<Body>

interface Made {
  readonly id: string
  readonly token: string
  readonly status: string
}

export interface Member {
  readonly id: string
  readonly email: string
  readonly token: string
}

/** A court and a time, as a request names them. */
export interface Slot {
  readonly resourceId: string
  readonly startAt: string
  readonly endAt: string
}

export interface Club {
  readonly id: string
  readonly at: string
  readonly courts: readonly string[]
  /** @param clubId left out: this club; null: no club */
  readonly member: (firstName: string, clubId?: string | null) => Promise<Member>
  /** @param day days after the first one @param to left out: an hour later */
  readonly slot: (court: number, day: number, from: string, to?: string) => Slot
  readonly hold: (who: Member, slot: Slot) => Promise<Made>
  /** A booking that the desk makes for somebody, which stands at once. Answers its id. */
  readonly book: (who: Member, slot: Slot) => Promise<string>
  /** A booking that somebody has paid by card. Answers its id. */
  readonly buy: (who: Member, slot: Slot) => Promise<string>
  readonly cancel: (bookingId: string) => Promise<unknown>
  readonly wait: (who: Member, slot: Slot) => Promise<string>
  /** Asks again and again until something is so. */
  readonly until: (isSo: () => Promise<boolean>) => Promise<void>
}

export const password = "a dozen green apples"

export function callerOf(address: string): Call {
  return async (method, path, body, token = rootKey) => {
    const answer = await fetch(address + path, {
      method,
      headers: {
        ...(token !== null && { authorization: `Bearer ${token}` }),
        ...(body && { "content-type": "application/json" }),
      },
      ...(body && { body: JSON.stringify(body) }),
    })
    const text = await answer.text()
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`)
    return text === "" ? undefined : JSON.parse(text)
  }
}

/** The club of most pictures, one that is open day and night, and one that shows its times to members alone. */
export async function openClubs(call: Call): Promise<Club & Record<"nightClubId" | "closedClubId", string>> {
  const make = async (name: string, hours: OpenHours, courts: readonly (readonly [string, number])[], more = {}) => {
    const club = { name, timezone: zone, currency: "EUR", openingHours: openAt(hours), publicAvailability: true }
    const { id } = await call("POST", "/v1/facilities", { ...club, ...more })
    const made: string[] = []
    for (const [name, hourlyPrice] of courts) {
      const court = { name, resourceType: "court", hourlyPrice }
      made.push((await call("POST", `/v1/facilities/${id}/resources`, court)).id)
    }
    return { id, courts: made }
  }
  const { id, courts } = await make("Riverside Tennis Club", everyDayButMonday, fourCourts, { holdMinutes: 10 })
  await call("PUT", `/v1/facilities/${id}/booking-policy`, { cancellationPolicy })
  const night = await make("Night Owls", () => [["00:00", "24:00"]], [["Court 1", 1800]])
  const closed = await make("The Quiet Club", everyDayButMonday, fourCourts, { publicAvailability: false })
  return { ...playsAt(call, id, courts), nightClubId: night.id, closedClubId: closed.id }
}

function playsAt(call: Call, id: string, courts: readonly string[]): Club {
  const at = `/v1/facilities/${id}`
  let people = 0
  const until: Club["until"] = async (isSo) => {
    for (const deadline = performance.now() + patienceMs; !(await isSo()); await Bun.sleep(askEveryMs))
      if (performance.now() > deadline) throw new Error(`it did not become so: ${isSo}`)
  }
  const club: Club = {
    id,
    at,
    courts,
    until,
    async member(firstName, clubId = id) {
      const email = `${firstName.toLowerCase()}${++people}@example.com`
      const person = { email, password, firstName, lastName: "Keller", ...(clubId !== null && { facilityId: clubId }) }
      const { id: userId } = await call("POST", "/v1/users", person, null)
      const { token } = await call("POST", "/v1/sessions", { email, password }, null)
      return { id: userId, email, token }
    },
    slot(court, day, from, to = `${String(Number(from.slice(0, 2)) + 1).padStart(2, "0")}${from.slice(2)}`) {
      const instant = (time: string) => new Date(instantOf(zone, dayAfter(day), time)).toISOString()
      return { resourceId: courts[court] ?? "", startAt: instant(from), endAt: instant(to) }
    },
    hold: (who, slot) => call("POST", `${at}/holds`, slot, who.token),
    book: async (who, slot) =>
      (await call("POST", `${at}/bookings`, { ...slot, bookerId: who.id, paymentMethod: "offline" })).id,
    async buy(who, slot) {
      const { id } = await club.hold(who, slot)
      const payment = { referenceType: "booking", referenceId: id, cardToken: "tok_visa" }
      await call("POST", `${at}/payments`, payment, who.token)
      await until(async () => (await call("GET", `${at}/bookings/${id}`)).status === "confirmed")
      return id
    },
    cancel: (bookingId) =>
      call("POST", `${at}/bookings/${bookingId}/cancel`, { cancellationReason: "Rain since the morning." }),
    wait: async (who, slot) => (await call("POST", `${at}/waitlist`, slot, who.token)).id,
  }
  return club
}

type OpenHours = (day: (typeof weekdays)[number]) => readonly (readonly [open: string, close: string])[]

const everyDayButMonday: OpenHours = (day) =>
  day === "monday" ? [] : day === "saturday" || day === "sunday" ? [["08:00", "20:00"]] : [["07:00", "22:00"]]

const openAt = (hours: OpenHours) =>
  Object.fromEntries(weekdays.map((day) => [day, hours(day).map(([open, close]) => ({ open, close }))]))

const fourCourts = [
  ["Court 1", 2400],
  ["Court 2", 2400],
  ["Court 3", 2050],
  ["Indoor Court", 3200],
] as const

const cancellationPolicy = [
  { hoursBefore: 24, refundPercent: 100 },
  { hoursBefore: 4, refundPercent: 50 },
]

const [patienceMs, askEveryMs] = [20_000, 50]
