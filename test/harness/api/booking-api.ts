// Over HTTP: two facilities with a court each, a player and a member of staff in the first, and a check for refusals.

import { expect } from "bun:test"
import type { TestApi } from "./api.ts"

const week = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
const openingHours = Object.fromEntries(week.map((name) => [name, [{ open: "00:00", close: "24:00" }]]))

export async function makeCourts(api: TestApi) {
  const aCourt = async (facilityId: string): Promise<string> => {
    const body = { name: "Court 1", resourceType: "court", hourlyPrice: 2400 }
    return (await api.call("POST", `/v1/facilities/${facilityId}/resources`, { body })).body.id
  }
  const facilityId = await api.facility({ timezone: "UTC", openingHours })
  const closedFacilityId = await api.facility({ timezone: "UTC", openingHours: { monday: [] } })
  return {
    facilityId,
    /** A facility of another owner, closed all week. */
    closedFacilityId,
    court: await aCourt(facilityId),
    foreignCourt: await aCourt(closedFacilityId),
    player: await api.person("player", facilityId),
    staff: await api.person("staff", facilityId),
  }
}
export type Courts = Awaited<ReturnType<typeof makeCourts>>

export async function rowsOf(api: TestApi): Promise<Record<string, number>> {
  const [row] = await api.database.db<Record<string, number>[]>`
    select (select count(*) from slotbase.bookings) as bookings, (select count(*) from slotbase.occupancies) as occupancies`
  return { ...(await api.rows()), ...row }
}

/** Returns the answer to a refused request, and checks that the request wrote nothing. */
export async function refusalOf(api: TestApi, request: () => ReturnType<TestApi["call"]>) {
  const before = await rowsOf(api)
  const { status, body, headers } = await request()
  expect(await rowsOf(api)).toEqual(before)
  expect(headers.get("content-type")).toBe("application/problem+json")
  expect(headers.get("x-slotbase-event-ids")).toBeNull()
  return { status, code: body.code, errors: body.errors }
}
