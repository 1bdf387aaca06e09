// Over HTTP: two facilities with a court each, a player and a member of staff in the first, and a check for refusals.

import { expect } from "bun:test"
import { buildClub } from "#test/harness/club/build.ts"
import type { TestApi } from "./api.ts"

export async function makeCourts(api: TestApi) {
  const closed = await buildClub(api.builder, { facility: { openingHours: { monday: [] } }, courts: ["foreignCourt"] })
  const { id, ...courtAndPeople } = await buildClub(api.builder, {
    courts: ["court"],
    people: { player: "player", staff: "staff" },
  })
  return {
    facilityId: id,
    ...courtAndPeople,
    /** A facility of another owner, closed all week. */
    closedFacilityId: closed.id,
    foreignCourt: closed.foreignCourt,
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
