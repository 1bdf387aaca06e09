// The mails of what was made before. A child's week goes to the parents who may see it, and a player's own week to the
// player. They say what the row says, also when the world has changed since.

import { afterAll, beforeAll, beforeEach, expect, test } from "bun:test"
import type { HandledEvent } from "#actors/handlers/handler.ts"
import { weeklyProgressSummary } from "#actors/jobs/weekly-progress-summary.ts"
import { buildClub } from "#test/harness/club/build.ts"
import { bySql, type Person } from "#test/harness/club/club.ts"
import { aChildLink } from "#test/harness/club/factories.ts"
import { levelsOf } from "#test/harness/club/played.ts"
import { type PostOffice, postOffice } from "#test/harness/outbound/post-office.ts"
import { type SmtpReceiver, smtpReceiver } from "#test/harness/outside/smtp.ts"
import { failure } from "#test/harness/pipeline/pipeline.ts"
import { testApp } from "#test/harness/setup/app.ts"
import { type TestDatabase, testDatabase } from "#test/harness/setup/database.ts"

let database: TestDatabase
let receiver: SmtpReceiver
let app: ReturnType<typeof testApp>
let office: PostOffice
let club: { id: string } & Record<"coach" | "player" | "child" | "parent" | "payer", Person>
const db = () => database.db

beforeAll(async () => {
  database = await testDatabase()
  receiver = await smtpReceiver()
  app = testApp(db(), { smtpUrl: receiver.url })
  office = await postOffice(app)
})
afterAll(async () => {
  await app.mail.close()
  await receiver.close()
  await database.drop()
})
beforeEach(async () => {
  receiver.mails.length = 0
  club = await buildClub(bySql(db()), {
    facility: { timezone: "Europe/Berlin" },
    courts: [],
    people: { coach: "coach", player: "player", child: "player", parent: "parent", payer: "parent" },
  })
})

/** The week from 5 to 11 October 2026; answers the events. */
async function weekOf(person: Person): Promise<readonly HandledEvent[]> {
  await levelsOf(db(), club.id, { playerId: person.id, coachId: club.coach.id, skillId: "tennis.serve" }, [
    [2, "2026-09-01T10:00:00Z"],
    [4, "2026-10-06T10:00:00Z"],
  ])
  const tick = { facilityId: club.id, timezone: "Europe/Berlin", localDate: "2026-10-12", dueAt: new Date() }
  await weeklyProgressSummary(app).run(tick, new AbortController().signal)
  return db()<HandledEvent[]>`
    select * from slotbase.events where facility_id = ${club.id} and type = 'progress.summary.made'`
}

test("the mail of a child's week goes to the parent who may see it, with the levels, and to nobody else", async () => {
  await db()`update slotbase.users set first_name = 'Ben' where id = ${club.child.id}`
  for (const [parent, permissions] of [
    [club.parent, ["view_feedback"]],
    [club.payer, ["book", "pay"]],
  ] as const)
    await aChildLink(
      db(),
      { parent: parent.id, child: club.child.id, permissions },
      { isPrimary: parent === club.parent },
    )
  for (const event of await weekOf(club.child)) expect(await office.tell(event)).toBeUndefined()
  expect(receiver.mails.map(({ recipients }) => recipients)).toEqual([[`${club.parent.id}@example.com`]])
  expect(receiver.mails[0]?.subject).toBe("Ben's week at Parkside Tennis, from 5 October 2026")
  expect(receiver.mails[0]?.text).toContain("serve (tennis): 2 → 4 (+100 %)\n- Tue, 1 Sept: 2\n- Tue, 6 Oct: 4\n")
})

test("the mail of a player's own week says you, and what was told stays as it was when it is sent late", async () => {
  const events = await weekOf(club.player)
  await levelsOf(db(), club.id, { playerId: club.player.id, coachId: club.coach.id, skillId: "tennis.lob" }, [
    [1, "2026-10-07T10:00:00Z"],
  ])
  for (const event of events) await office.tell(event)
  expect(receiver.mails.map(({ recipients }) => recipients)).toEqual([[`${club.player.id}@example.com`]])
  expect(receiver.mails[0]?.subject).toBe("Your week at Parkside Tennis, from 5 October 2026")
  expect(receiver.mails[0]?.text).not.toContain("lob")
})

test("an event whose row has left makes no empty mail: its message cannot be made", async () => {
  const [event] = await weekOf(club.player)
  await db()`delete from slotbase.progress_summaries where facility_id = ${club.id}`
  expect(event && (await failure(office.record(event)))).toMatchObject({ code: "not_rendered" })
  expect(receiver.mails).toEqual([])
})
