// Progress over HTTP: assessed by coaches, each level with the one before it, and recorded from published feedback.

import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { progressUpdateHandler } from "#actors/handlers/progress-update.ts"
import { runHandler } from "#actors/runs/run-handler.ts"
import { startLifeSign } from "#actors/runtime/life-sign.ts"
import { newId } from "#base/ids.ts"
import { improvementPercent } from "#domain/coaching/progress/skills.ts"
import { type FeedbackClub, makeFeedbackClub, outcome, recordedBy } from "#test/harness/club/feedback-club.ts"
import { dispatchAll, runsOf, subscribe } from "#test/harness/pipeline/pipeline.ts"

let club: FeedbackClub
let skill = 0

beforeAll(async () => {
  club = await makeFeedbackClub()
})
afterAll(() => club.stop())

const at = (playerId = club.student.id) => `/players/${playerId}/progress`
const assess = (body: object, by = club.coach, playerId = club.student.id) => club.post(by, at(playerId), body)
const aSkill = () => `tennis.skill-${++skill}`

describe("an assessment", () => {
  test("names the level before it: first 0 without improvement, later with the improvement in percent", async () => {
    const first = await assess({ skillId: "tennis.backhand", newLevel: 4 })
    expect(first.status).toBe(201)
    expect(first.body).toEqual({
      id: expect.any(String),
      facilityId: club.id,
      playerId: club.student.id,
      skillId: "tennis.backhand",
      skillName: "Backhand",
      sport: "tennis",
      previousLevel: 0,
      newLevel: 4,
      improvementPercent: 0,
      assessedBy: club.coach.id,
      feedbackId: null,
      assessedAt: expect.any(String),
    })
    const second = await assess({ skillId: "tennis.backhand", newLevel: 5 }, club.otherCoach)
    expect(await recordedBy(club, second)).toEqual([
      {
        type: "progress.updated",
        facility_id: club.id,
        user_id: club.otherCoach.id,
        data: {
          playerId: club.student.id,
          skillId: "tennis.backhand",
          skillName: "Backhand",
          sport: "tennis",
          previousLevel: 4,
          newLevel: 5,
          assessedBy: club.otherCoach.id,
          improvementPercent: 25,
        },
      },
    ])
    expect((await assess({ skillId: "tennis.backhand", newLevel: 3.75 }, club.admin)).body).toMatchObject({
      previousLevel: 5,
      newLevel: 3.75,
      improvementPercent: -25,
    })
  })

  test("takes sport and name from the skill's id, unless they are given", async () => {
    const named = await assess({ skillId: "padel.two-handed_volley", newLevel: 1 })
    expect(named.body).toMatchObject({ sport: "padel", skillName: "Two handed volley" })
    const given = await assess({ skillId: "serve", skillName: "First serve", sport: "tennis", newLevel: 1 })
    expect(given.body).toMatchObject({ sport: "tennis", skillName: "First serve" })
    expect(outcome(await assess({ skillId: "serve", newLevel: 1 }))).toBe("422 sport_unknown")
  })

  test("is made by coaches and administrators, about members, with levels of the scale", async () => {
    const body = { skillId: "tennis.volley", newLevel: 2 }
    expect(outcome(await assess(body, club.staff))).toBe("403 not_allowed")
    expect(outcome(await assess(body, club.student))).toBe("403 not_allowed")
    expect(outcome(await assess(body, club.foreignAdmin))).toBe("404 not_found")
    expect(outcome(await assess(body, club.coach, club.foreignAdmin.id))).toBe("404 not_found")
    expect(outcome(await assess(body, club.coach, newId()))).toBe("404 not_found")
    for (const newLevel of [0, -1, 100.5, 1.234, "3", null])
      expect(outcome(await assess({ ...body, newLevel }))).toBe("422 invalid_input")
    for (const skillId of ["", "Backhand", "a b", "a..b", "x".repeat(101)])
      expect(outcome(await assess({ ...body, skillId }))).toBe("422 invalid_input")
  })

  test("may name feedback on the player, which assesses each skill once", async () => {
    const feedbackId = await club.draft()
    const body = { skillId: aSkill(), newLevel: 2, feedbackId }
    expect((await assess(body)).body.feedbackId).toBe(feedbackId)
    expect(outcome(await assess(body))).toBe("409 skill_assessed_already")
    expect(outcome(await assess({ ...body, skillId: aSkill() }, club.coach, club.friend.id))).toBe(
      "422 feedback_of_another",
    )
    expect(outcome(await assess({ ...body, feedbackId: newId() }))).toBe("422 feedback_of_another")
  })

  test("ten at once form a chain: each one's previous level is another one's new level", async () => {
    const skillId = aSkill()
    const levels = Array.from({ length: 10 }, (_, n) => n + 1)
    const answers = await Promise.all(levels.map((newLevel) => assess({ skillId, newLevel })))
    expect(answers.map(({ status }) => status)).toEqual(Array(10).fill(201))
    const { body } = await club.get(club.coach, `${at()}?skillId=${skillId}`)
    const history = body.data as { previousLevel: number; newLevel: number }[]
    expect(history.map(({ previousLevel }) => previousLevel)).toEqual([
      ...history.slice(1).map(({ newLevel }) => newLevel),
      0,
    ])
    expect(body.levels).toMatchObject([{ skillId, level: history[0]?.newLevel }])
    const recorded = await club.db<{ level: number }[]>`
      select (e.data ->> 'newLevel')::float8 as level
      from slotbase.outbox o join slotbase.events e on e.id = o.event_id
      where e.data ->> 'skillId' = ${skillId} order by o.seq desc`
    expect(recorded.map(({ level }) => level)).toEqual(history.map(({ newLevel }) => newLevel))
  })

  test("improvement is rounded to two decimals", () => {
    expect([
      improvementPercent(3, 4),
      improvementPercent(0, 7),
      improvementPercent(7, 7),
      improvementPercent(8, 6),
    ]).toEqual([33.33, 0, 0, -25])
  })
})

test("a player's progress is for the player, permitted parents, coaches and staff; in pages, newest first", async () => {
  const [one, two] = [aSkill(), aSkill()]
  for (const [skillId, newLevel] of [
    [one, 1],
    [one, 2],
    [two, 3],
  ] as const)
    await assess({ skillId, newLevel }, club.coach, club.friend.id)
  const first = await club.get(club.friend, `${at(club.friend.id)}?limit=2`)
  expect(first.body.data).toMatchObject([
    { skillId: two, newLevel: 3 },
    { skillId: one, newLevel: 2 },
  ])
  expect(first.body.levels).toEqual([
    { skillId: one, skillName: expect.any(String), sport: "tennis", level: 2, assessedAt: expect.any(String) },
    { skillId: two, skillName: expect.any(String), sport: "tennis", level: 3, assessedAt: expect.any(String) },
  ])
  const rest = await club.get(club.friend, `${at(club.friend.id)}?limit=2&after=${first.body.next}`)
  expect([rest.body.data.length, rest.body.data[0].newLevel, rest.body.next]).toEqual([1, 1, null])
  const get = async (by: typeof club.coach) => outcome(await club.get(by, at()))
  for (const by of [club.student, club.parent, club.coach, club.otherCoach, club.staff, club.admin])
    expect(await get(by)).toBe("200")
  for (const by of [club.friend, club.payer, club.foreignAdmin]) expect(await get(by)).toBe("404 not_found")
})

test("the assessments of published feedback become progress, once, caused by feedback.published", async () => {
  const [known, fresh, byHand] = [aSkill(), aSkill(), aSkill()]
  await assess({ skillId: known, newLevel: 4 })
  const id = await club.draft({ assessments: [known, fresh, byHand].map((skillId) => ({ skillId, level: 5 })) })
  await assess({ skillId: byHand, newLevel: 2, feedbackId: id })
  const silent = await club.draft()
  await dispatchAll(club.db)
  await subscribe(club.db, "ProgressUpdateHandler", "feedback.published")
  const lifeSign = await startLifeSign(club.db, "actors", "test")
  const handler = runHandler(club.api.app, progressUpdateHandler(), lifeSign)
  const handle = async () => {
    await dispatchAll(club.db)
    while ((await handler.pass(new AbortController().signal)).more) {}
  }
  try {
    await handle()
    expect(await club.db`select 1 from slotbase.progress where feedback_id = ${id}`).toHaveLength(1)
    const published = await club.post(club.admin, `/feedback/${id}/publish`)
    await club.post(club.coach, `/feedback/${silent}/publish`)
    await handle()
    const [event] = await club.db<{ id: string; correlation_id: string }[]>`
      select id, correlation_id from slotbase.events where aggregate_id = ${id} and type = 'feedback.published'`
    expect(published.headers.get("x-slotbase-event-ids")).toBe(event?.id as string)
    const made = await club.db`
      select facility_id, correlation_id, user_id, data from slotbase.events where causation_id = ${event?.id ?? null} order by id`
    const expected = (skillId: string, previousLevel: number, improvement: number) => ({
      facility_id: club.id,
      correlation_id: event?.correlation_id,
      user_id: club.admin.id,
      data: {
        playerId: club.student.id,
        skillId,
        skillName: expect.any(String),
        sport: "tennis",
        previousLevel,
        newLevel: 5,
        assessedBy: club.coach.id,
        improvementPercent: improvement,
      },
    })
    expect(made.map((row) => ({ ...row }))).toEqual([expected(known, 4, 25), expected(fresh, 0, 0)])
    expect(await runsOf(club.db, "ProgressUpdateHandler")).toMatchObject([
      { status: "success" },
      { status: "skipped", reason: "nothing new is assessed in it" },
    ])
    // Handled again, as after a crash before its settlement, the event changes nothing.
    const row = { ...(await club.db`select *, 1 as position from slotbase.events where id = ${event?.id ?? null}`)[0] }
    const outcomes = await club.db.begin((tx) => progressUpdateHandler().handle(tx, row as never))
    expect(outcomes).toEqual({ skipped: "nothing new is assessed in it" })
  } finally {
    await lifeSign.stop()
  }
})
