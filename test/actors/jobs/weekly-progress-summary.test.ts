// The job weekly-progress-summary: who gets a summary of the week, what it says, and that each gets it once. The week
// is that in which Berlin's clocks go forward, and the clock of the database stands at the Monday after it.

import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test"
import { dailyReports } from "#actors/jobs/daily-reports.ts"
import type { FacilityTick } from "#actors/jobs/facility-job.ts"
import { weeklyProgressSummary } from "#actors/jobs/weekly-progress-summary.ts"
import { newId } from "#base/ids.ts"
import type { ProgressSummary } from "#domain/coaching/summaries/answer.ts"
import { buildClub } from "#test/harness/club/build.ts"
import { bySql, type Person } from "#test/harness/club/club.ts"
import { aChildLink } from "#test/harness/club/factories.ts"
import { aFeedback, aHeldSession, levelsOf } from "#test/harness/club/played.ts"
import { failure } from "#test/harness/pipeline/pipeline.ts"
import { testApp } from "#test/harness/setup/app.ts"
import { type TestDatabase, testDatabase } from "#test/harness/setup/database.ts"

const people = { coach: "coach", player: "player", child: "player", parent: "parent", payer: "parent" } as const
const never = new AbortController().signal
const monday = "2026-03-30"
const dueAt = "2026-03-30T07:00:00Z"

let database: TestDatabase
let app: ReturnType<typeof testApp>
let club: { id: string; court: string } & Record<keyof typeof people, Person>
const db = () => database.db

beforeAll(async () => {
  database = await testDatabase()
  app = testApp(db())
  await db()`select slotbase.move_clock(${dueAt}::timestamptz - slotbase.now())`
})
afterAll(() => database.drop())
beforeEach(async () => {
  club = await buildClub(bySql(db()), { facility: { timezone: "Europe/Berlin" }, courts: ["court"], people })
})

const tick = (localDate = monday, facilityId = club.id): FacilityTick => ({
  ...{ facilityId, timezone: "Europe/Berlin", localDate },
  dueAt: new Date(dueAt),
})
const work = (localDate?: string) => weeklyProgressSummary(app).run(tick(localDate), never)

const session = (startAt: string, attended: Readonly<Record<string, boolean | null>>, status?: "cancelled") =>
  aHeldSession(db(), club.id, club.court, { coachId: club.coach.id, startAt, attended, ...(status && { status }) })
const feedbackOn = async (studentId: string, publishedAt?: string, skillsWorked: string[] = []) => {
  const sessionId = await session("2026-02-02T10:00:00Z", { [studentId]: true })
  const given = { sessionId, studentId, coachId: club.coach.id, skillsWorked }
  return aFeedback(db(), club.id, { ...given, ...(publishedAt && { publishedAt }) })
}
const levels = (playerId: string, skillId: string, given: readonly (readonly [number, string])[]) =>
  levelsOf(db(), club.id, { playerId, skillId, coachId: club.coach.id }, given)
const link = (permissions: string[], parent = club.parent, isPrimary = true) =>
  aChildLink(db(), { parent: parent.id, child: club.child.id, permissions }, { isPrimary })

const summaries = async () => {
  const rows = await db()<{ player_id: string; week: string; summary: ProgressSummary }[]>`
    select player_id, week::text, summary from slotbase.progress_summaries where facility_id = ${club.id} order by player_id`
  return rows.map((row) => ({ ...row }))
}
const summaryOf = async (playerId: string) => (await summaries()).find((row) => row.player_id === playerId)?.summary
const told = async () => {
  const rows = await db()<{ data: object }[]>`
    select data from slotbase.events
    where facility_id = ${club.id} and type = 'progress.summary.made' order by aggregate_id`
  return rows.map(({ data }) => data)
}

describe("what a summary says", () => {
  test("sessions to which somebody said who came, feedback, skills with their levels, and what comes", async () => {
    const { id } = club.player
    const first = await session("2026-03-22T23:00:00Z", { [id]: true })
    const missed = await session("2026-03-28T10:00:00Z", { [id]: false })
    await session("2026-03-27T10:00:00Z", { [id]: null })
    await session("2026-03-26T10:00:00Z", { [id]: true }, "cancelled")
    // The minute before the week, and its last one: the week has 167 hours.
    await session("2026-03-22T22:59:00Z", { [id]: true })
    const last = await session("2026-03-29T21:59:00Z", { [id]: true })
    await session("2026-03-30T06:00:00Z", { [id]: null })
    const next = await session("2026-03-30T08:00:00Z", { [id]: null })
    await session("2026-04-05T22:00:00Z", { [id]: null })
    const feedback = await feedbackOn(id, "2026-03-25T18:00:00Z", ["Backhand"])
    await feedbackOn(id)
    await feedbackOn(id, "2026-03-29T22:00:00Z")
    await levels(id, "tennis.serve", [
      [2, "2026-01-10T10:00:00Z"],
      [4, "2026-03-24T10:00:00Z"],
      [5, "2026-03-26T10:00:00Z"],
      [9, "2026-03-30T06:00:00Z"],
    ])
    await levels(id, "tennis.volley", [[3, "2026-03-29T21:00:00Z"]])
    await levels(id, "tennis.lob", [[3, "2026-03-01T21:00:00Z"]])

    expect(await work()).toEqual({ summaries: 1 })
    const place = { coachName: "Mia Keller", resourceName: "Court 1" }
    expect(await summaries()).toEqual([
      {
        player_id: id,
        week: "2026-03-23",
        summary: {
          ...{ playerName: "Mia Keller", playerFirstName: "Mia", firstDay: "2026-03-23", lastDay: "2026-03-29" },
          attended: 2,
          sessions: [
            {
              ...{ ...place, sessionId: first, attended: true },
              ...{ startAt: "2026-03-22T23:00:00.000Z", endAt: "2026-03-23T00:00:00.000Z" },
            },
            {
              ...{ ...place, sessionId: missed, attended: false },
              ...{ startAt: "2026-03-28T10:00:00.000Z", endAt: "2026-03-28T11:00:00.000Z" },
            },
            {
              ...{ ...place, sessionId: last, attended: true },
              ...{ startAt: "2026-03-29T21:59:00.000Z", endAt: "2026-03-29T22:59:00.000Z" },
            },
          ],
          feedback: [
            {
              ...{ feedbackId: feedback, coachName: "Mia Keller", skillsWorked: ["Backhand"] },
              publishedAt: "2026-03-25T18:00:00.000Z",
            },
          ],
          skills: [
            {
              ...{ skillId: "tennis.serve", skillName: "serve", sport: "tennis", before: 2, level: 5 },
              improvementPercent: 150,
              history: [
                { level: 2, assessedAt: "2026-01-10T10:00:00.000Z" },
                { level: 4, assessedAt: "2026-03-24T10:00:00.000Z" },
                { level: 5, assessedAt: "2026-03-26T10:00:00.000Z" },
              ],
            },
            {
              ...{ skillId: "tennis.volley", skillName: "volley", sport: "tennis", before: 0, level: 3 },
              improvementPercent: 0,
              history: [{ level: 3, assessedAt: "2026-03-29T21:00:00.000Z" }],
            },
          ],
          upcoming: [
            {
              ...{ ...place, sessionId: next },
              ...{ startAt: "2026-03-30T08:00:00.000Z", endAt: "2026-03-30T09:00:00.000Z" },
            },
          ],
        },
      },
    ])
    expect(await told()).toEqual([{ playerId: id, facilityId: club.id, week: "2026-03-23", parentIds: [], userId: id }])
  })

  test("of many levels the chart has the latest, and a tick on another weekday tells of the last whole week", async () => {
    const dates = Array.from({ length: 12 }, (_, nth) => [nth + 1, `2026-03-${10 + nth}T10:00:00Z`] as const)
    await levels(club.player.id, "tennis.serve", dates)
    expect(await work("2026-03-25")).toEqual({ summaries: 1 })
    const summary = await summaryOf(club.player.id)
    expect([summary?.firstDay, summary?.lastDay]).toEqual(["2026-03-16", "2026-03-22"])
    expect(summary?.skills[0]?.history.map(({ level }) => level)).toEqual([5, 6, 7, 8, 9, 10, 11, 12])
    expect(summary?.skills[0]).toMatchObject({ before: 6, level: 12, improvementPercent: 100 })
  })
})

describe("who gets it", () => {
  test("a player without news gets nothing, and what nobody published yet is no news", async () => {
    await feedbackOn(club.player.id)
    expect(await work()).toEqual({ summaries: 0 })
    expect([await summaries(), await told()]).toEqual([[], []])
  })

  test("a session to come is news by itself", async () => {
    await session("2026-04-01T08:00:00Z", { [club.player.id]: null })
    expect(await work()).toEqual({ summaries: 1 })
    expect(await summaryOf(club.player.id)).toMatchObject({ sessions: [], feedback: [], skills: [] })
  })

  test("of a child the parents who may see the feedback are told, and not the child", async () => {
    await link(["view_feedback"])
    await link(["book", "pay"], club.payer, false)
    await levels(club.child.id, "tennis.serve", [[4, "2026-03-24T10:00:00Z"]])
    expect(await work()).toEqual({ summaries: 1 })
    expect(await told()).toEqual([
      { playerId: club.child.id, facilityId: club.id, week: "2026-03-23", parentIds: [club.parent.id] },
    ])
  })

  test("of a child without a parent who may see it nothing is made", async () => {
    await link(["book", "pay"])
    await levels(club.child.id, "tennis.serve", [[4, "2026-03-24T10:00:00Z"]])
    expect(await work()).toEqual({ summaries: 0 })
    expect([await summaries(), await told()]).toEqual([[], []])
  })

  test("of a child whose account somebody answers for, and who has no parent here, nothing is made", async () => {
    await db()`update slotbase.users set managed_by = ${club.parent.id} where id = ${club.child.id}`
    await levels(club.child.id, "tennis.serve", [[4, "2026-03-24T10:00:00Z"]])
    expect(await work()).toEqual({ summaries: 0 })
  })

  test("what happened in another club stays there", async () => {
    await levels(club.player.id, "tennis.serve", [[4, "2026-03-24T10:00:00Z"]])
    const here = club.id
    club = await buildClub(bySql(db()), { facility: { timezone: "Europe/Berlin" }, courts: ["court"], people })
    expect(await work()).toEqual({ summaries: 0 })
    expect(await weeklyProgressSummary(app).run(tick(monday, here), never)).toEqual({ summaries: 1 })
  })
})

describe("once", () => {
  test("the same tick again makes nothing, two at once make each once, and what was told stays", async () => {
    for (const { id } of [club.player, club.child, club.payer])
      await levels(id, "tennis.serve", [[4, "2026-03-24T10:00:00Z"]])
    const made = await Promise.all([work(), work(), work()])
    expect(made.reduce((all, { summaries = 0 }) => all + summaries, 0)).toBe(3)
    const [before, events] = [await summaries(), await told()]
    expect(events).toHaveLength(3)
    await session("2026-03-26T10:00:00Z", { [club.player.id]: true })
    expect(await work()).toEqual({ summaries: 0 })
    expect([await summaries(), await told()]).toEqual([before, events])
  })

  test("a run that was told to stop makes nothing more, and the next one goes on", async () => {
    await levels(club.player.id, "tennis.serve", [[4, "2026-03-24T10:00:00Z"]])
    const stop = AbortSignal.abort(new Error("the process stops"))
    expect(await failure(weeklyProgressSummary(app).run(tick(), stop))).toMatchObject({ message: "the process stops" })
    expect(await summaries()).toEqual([])
    expect(await work()).toEqual({ summaries: 1 })
  })

  test("a facility that does not exist is not found", async () => {
    const missing = tick(monday, newId())
    for (const job of [weeklyProgressSummary(app), dailyReports(app)])
      expect(await failure(job.run(missing, never))).toMatchObject({ _tag: "NotFound" })
  })
})
