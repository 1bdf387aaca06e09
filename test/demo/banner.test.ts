/** The lines that the program prints after its start, by role. */
import { expect, test } from "bun:test"
import { parseConfig } from "#base/config.ts"
import { banner } from "#demo/banner.ts"
import type { FirstClub } from "#demo/first-club.ts"

const address = "http://127.0.0.1:3000"
const mailbox = `${address}/mailbox?key=x`
const first: FirstClub = {
  clubs: [{ id: "club-1", name: "Riverside" }],
  furtherClubs: 2,
  court: { id: "court-1", name: "Court 1" },
  member: { id: "member-1", name: "Mia Keller", email: "mia@riverside.example" },
  hour: new Date("2027-05-02T12:00:00Z"),
  keyHint: "sbk_abcdef",
}
const started = (role: string, given: { rootKey?: string; first?: Partial<FirstClub> } = {}) =>
  banner({
    config: parseConfig({ SLOTBASE_ROLE: role }),
    address,
    embedded: false,
    rootKey: given.rootKey,
    demo: undefined,
    mailbox,
    phone: undefined,
    first: { ...first, ...given.first },
  })

test("a server names its addresses, a process of actors names no address that it does not serve", () => {
  for (const text of [`${address}/v1`, "/v1/live", mailbox, "/readyz"]) expect(started("all")).toContain(text)
  for (const text of ["/v1", "/openapi", "/mailbox", "club-1"]) expect(started("actors")).not.toContain(text)
  expect(started("actors")).toContain("/readyz")
})

test("every role prints the root key together with its meaning", () => {
  for (const role of ["all", "server", "actors"])
    expect(started(role, { rootKey: "sbk_x" })).toContain(
      "Shown this once: keep it. It is the platform administrator's API key.",
    )
})

test("a later start shows how the root key begins, and how to replace it", () => {
  expect(started("all")).toContain("  Root key   sbk_abcdef…        shown whole at the first start only\n")
  expect(started("all")).toContain("start once with SLOTBASE_ROOT_KEY set to a new one.")
  expect(started("all", { first: { keyHint: "SLOTBASE_ROOT_KEY" } })).toContain(
    "  Root key   the one that SLOTBASE_ROOT_KEY was set to\n",
  )
})

test("a later start names the clubs, a court and a member, and a request with their ids", () => {
  const text = started("all")
  expect(text).toContain("  Clubs      club-1  Riverside\n             and 2 more: GET /v1/facilities\n")
  expect(text).toContain(`  Booking    ${address}/f/club-1        the booking page of the first club\n`)
  expect(text).toContain("  A court    court-1  Court 1\n")
  expect(text).toContain("  A member   member-1  Mia Keller, mia@riverside.example\n")
  expect(text).toMatch(
    /^export SLOTBASE=http:\/\/127\.0\.0\.1:3000 KEY="\$\{KEY:\?[^"]+\}" CLUB=club-1 COURT=court-1 MEMBER=member-1 DAY=2027-05-02$/m,
  )
  expect(text).toContain(`"startAt":"2027-05-02T12:00:00.000Z","endAt":"2027-05-02T13:00:00.000Z"}`)
})

test("without a member to name there is no request", () => {
  expect(started("all", { first: { member: undefined } })).not.toContain("export SLOTBASE")
})
