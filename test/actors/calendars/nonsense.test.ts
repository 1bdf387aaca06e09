// Servers of calendars that talk nonsense: each answer is a failure of its calendar with a reason. Nothing of it
// stops the actor, or holds up the calendars of others.

import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "bun:test"
import type { Db } from "#base/database/db.ts"
import type { TestApi } from "#test/harness/api/api.ts"
import { type CalendarClub, calendarApi, calendarClub, syncAll } from "#test/harness/club/calendars.ts"
import { moveOn } from "#test/harness/pipeline/late.ts"

let api: TestApi
let db: Db
let club: CalendarClub
const servers: Bun.Server<undefined>[] = []

beforeAll(async () => {
  api = await calendarApi()
  db = api.database.db
})
afterAll(() => api.database.drop())
beforeEach(async () => {
  await db`delete from slotbase.calendar_syncs`
  club = await calendarClub(api)
})
afterEach(() => Promise.all(servers.splice(0).map((server) => server.stop(true))))

const xml = { "content-type": "application/xml; charset=utf-8" }
const answering = (body: string, headers: Record<string, string> = xml) => {
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    fetch: () => new Response(body, { status: 207, headers }),
  })
  servers.push(server)
  return `http://127.0.0.1:${server.port}/calendar/`
}
const connected = async (calendarId: string, more: object) => {
  const credentials = { username: "a", password: "b" }
  const given = { provider: "apple", credentials, calendarId, ...more }
  return (await club.done("POST", "/calendar-syncs", club.coach, given)) as { id: string }
}
const anEvent = (href: string) =>
  `<d:response><d:href>${href}</d:href><d:propstat><d:prop><d:getetag>1</d:getetag></d:prop><d:status>HTTP/1.1 200 OK</d:status></d:propstat></d:response>`
const response = (inner: string) =>
  `<d:multistatus xmlns:d="DAV:" xmlns:c="urn:ietf:params:xml:ns:caldav">${inner}</d:multistatus>`

test.each([
  ["an address that is none", response(anEvent("http://["))],
  [
    "a type that is text",
    response(
      "<d:response><d:href>/calendar/a.ics</d:href><d:propstat><d:prop><d:resourcetype>text</d:resourcetype></d:prop><d:status>HTTP/1.1 200 OK</d:status></d:propstat></d:response>",
    ),
  ],
  [
    "two addresses in one response",
    response(
      "<d:response><d:href>/calendar/a.ics</d:href><d:href>/calendar/b.ics</d:href><d:status>HTTP/1.1 200 OK</d:status></d:response>",
    ),
  ],
  ["a response without anything", response("<d:response/>")],
  [
    "a status that is none",
    response(
      "<d:response><d:href>/calendar/a.ics</d:href><d:propstat><d:prop><d:getetag/></d:prop><d:status>yes</d:status></d:propstat></d:response>",
    ),
  ],
  ["a response that is text", response("<d:response>x</d:response>")],
  [
    "an address without an end",
    response("<d:response><d:href>a:b:c</d:href><d:status>HTTP/1.1 404 Not Found</d:status></d:response>"),
  ],
  ["nothing", ""],
  [
    "names of objects' own",
    response("<d:constructor><d:response/></d:constructor><d:response><d:__proto__>1</d:__proto__></d:response>"),
  ],
  ["XML of 20,000 levels", `${"<a>".repeat(20_000)}`],
  [
    "entities that grow",
    `<!DOCTYPE a [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]><d:multistatus xmlns:d="DAV:"><d:response><d:href>&b;</d:href></d:response></d:multistatus>`,
  ],
])("%s fails no other calendar", async (_, body) => {
  for (const syncDirection of ["both", "push"]) {
    const { id } = await connected(answering(body), { syncDirection })
    await syncAll(db)
    const { syncStatus, statusCode, lastSyncAt } = await club.read(id)
    expect([syncStatus, statusCode, lastSyncAt !== null]).toBeOneOf([
      ["error", "not_understood", false],
      ["active", null, true],
    ])
  }
})

test("what cannot be read says why", async () => {
  const { id } = await connected(answering(response(anEvent("http://["))), { syncDirection: "pull" })
  await syncAll(db)
  expect(await club.read(id)).toMatchObject({
    statusCode: "not_understood",
    statusReason: "The server's answer cannot be read: Invalid URL",
  })
})

test("a calendar whose work ends in a defect is taken up again by the same process", async () => {
  const { id } = await connected(answering(response("")), { syncDirection: "pull" })
  await db`alter function slotbase.take_busy(uuid, uuid, uuid, uuid) rename to take_busy_away`
  await expect(syncAll(db)).rejects.toThrow("take_busy")
  await db`alter function slotbase.take_busy_away(uuid, uuid, uuid, uuid) rename to take_busy`
  expect(await club.read(id)).toMatchObject({ syncStatus: "active", lastSyncAt: null })
  const [row] = await db`select lease from slotbase.calendar_syncs where id = ${id}`
  expect(row).toEqual({ lease: null })
  await moveOn(db, "11 seconds")
  await syncAll(db)
  expect((await club.read(id)).lastSyncAt).not.toBeNull()
})
