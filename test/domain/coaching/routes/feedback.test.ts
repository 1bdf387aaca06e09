// Feedback over HTTP: written, changed, published once, and the rights to see it.

import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { newId } from "#base/ids.ts"
import { aForm, type FeedbackClub, makeFeedbackClub, outcome, recordedBy } from "#test/harness/club/feedback-club.ts"
import { jpeg, mp4, wav } from "#test/harness/club/media-files.ts"
import { liveServer } from "#test/harness/pipeline/live.ts"

let club: FeedbackClub

beforeAll(async () => {
  club = await makeFeedbackClub()
})
afterAll(() => club.stop())

const wanted = (more: object = {}) => ({ sessionId: club.sessionId, studentId: club.student.id, ...more })
const publish = (id: string, by = club.coach) => club.post(by, `/feedback/${id}/publish`)

describe("writing", () => {
  test("a draft by the session's coach: 201, and feedback.created without files", async () => {
    const made = await club.post(
      club.coach,
      "/feedback",
      wanted({
        text: "Turn earlier.",
        skillsWorked: ["Footwork", "Backhand"],
        rating: 4,
        assessments: [
          { skillId: "tennis.backhand", level: 5 },
          { skillId: "serve", skillName: "First serve", sport: "tennis", level: 3.5 },
        ],
      }),
    )
    expect(made.status).toBe(201)
    expect(made.body).toEqual({
      id: expect.any(String),
      facilityId: club.id,
      sessionId: club.sessionId,
      coachId: club.coach.id,
      coachName: "Mia Keller",
      studentId: club.student.id,
      studentName: "Mia Keller",
      status: "draft",
      text: "Turn earlier.",
      skillsWorked: ["Footwork", "Backhand", "First serve"],
      rating: 4,
      assessments: [
        { skillId: "serve", skillName: "First serve", sport: "tennis", level: 3.5 },
        { skillId: "tennis.backhand", skillName: "Backhand", sport: "tennis", level: 5 },
      ],
      media: [],
      publishedAt: null,
      publishedBy: null,
      createdAt: expect.any(String),
      updatedAt: expect.any(String),
    })
    expect(await recordedBy(club, made)).toEqual([
      {
        type: "feedback.created",
        facility_id: club.id,
        user_id: club.coach.id,
        data: {
          feedbackId: made.body.id,
          sessionId: club.sessionId,
          coachId: club.coach.id,
          facilityId: club.id,
          hasVoiceNote: false,
          hasMedia: false,
        },
      },
    ])
  })

  test("an administrator may write in place of the coach", async () => {
    const made = await club.post(club.admin, "/feedback", wanted({ text: "Dictated." }))
    expect([made.status, made.body.coachId]).toEqual([201, club.coach.id])
  })

  test("with a voice note and files in one request, the events list all of them", async () => {
    const form = aForm(wav(1.5), { part: "voiceNote", name: "note.wav", type: "audio/wav" })
    for (const [name, value] of Object.entries(wanted({ text: "Listen.", rating: "5" }))) form.append(name, value)
    for (const skill of ["Footwork", "Serve"]) form.append("skillsWorked", skill)
    form.append("assessments", JSON.stringify([{ skillId: "tennis.serve", level: 2 }]))
    form.append("file", new File([Buffer.from(mp4(42.5))], "drill.mp4"))
    form.append("file", new File([Buffer.from(jpeg())], "grip.JPEG"))
    const made = await club.send(club.coach, "POST", "/feedback", form)
    expect(made.status).toBe(201)
    expect(made.body).toMatchObject({ text: "Listen.", rating: 5, skillsWorked: ["Footwork", "Serve"] })
    const media = made.body.media as { id: string }[]
    const uploaded = (nth: number, data: object) => ({
      type: "media.uploaded",
      facility_id: club.id,
      user_id: club.coach.id,
      data: { mediaId: media[nth]?.id, feedbackId: made.body.id, uploadedBy: club.coach.id, ...data },
    })
    const [created, ...events] = await recordedBy(club, made)
    expect(created?.data).toMatchObject({ feedbackId: made.body.id, hasVoiceNote: true, hasMedia: true })
    expect(events).toEqual([
      uploaded(0, {
        mediaType: "audio",
        fileName: "note.wav",
        fileSizeBytes: wav(1.5).byteLength,
        durationSeconds: 1.5,
      }),
      uploaded(1, {
        mediaType: "video",
        fileName: "drill.mp4",
        fileSizeBytes: mp4(42.5).byteLength,
        durationSeconds: 42.5,
      }),
      uploaded(2, { mediaType: "photo", fileName: "grip.JPEG", fileSizeBytes: jpeg().byteLength }),
    ])
    const published = await publish(made.body.id)
    const [event] = await recordedBy(club, published)
    expect(event?.data).toMatchObject({ hasVideo: true, hasPhotos: true, skillsWorked: ["Footwork", "Serve"] })
  })

  test("is refused to all others, for sessions not held, and about a person that is not a student of the session", async () => {
    const other = { ...wanted(), text: "x" }
    const post = async (by: typeof club.coach, body: object = other) => outcome(await club.post(by, "/feedback", body))
    expect(await post(club.otherCoach)).toBe("403 not_allowed")
    expect(await post(club.staff)).toBe("403 not_allowed")
    expect(await post(club.student)).toBe("403 not_allowed")
    expect(await post(club.foreignAdmin)).toBe("404 not_found")
    expect(await post(club.coach, { ...other, studentId: club.parent.id })).toBe("422 student_not_in_session")
    expect(await post(club.coach, { ...other, sessionId: newId() })).toBe("404 not_found")
    expect(await post(club.coach, { ...other, assessments: [{ skillId: "serve", level: 1 }] })).toBe(
      "422 sport_unknown",
    )
    const calledOff = await club.aSession()
    await club.db`
      update slotbase.coach_sessions
      set cancelled_at = slotbase.now(), cancelled_by = ${club.coach.id}, cancellation_reason = 'rain' where id = ${calledOff}`
    expect(await post(club.coach, { ...other, sessionId: calledOff })).toBe("409 session_not_held")
    expect(outcome(await club.post(club.coach, "/feedback", '{"text":'))).toBe("422 malformed_json")
    const bad = { ...other, rating: 6, skillsWorked: ["a", "a"], assessments: [{ skillId: "A b", level: 0 }], more: 1 }
    const { status, body } = await club.post(club.coach, "/feedback", bad)
    expect([status, body.errors.map(({ path }: { path: string }) => path).sort()]).toEqual([
      422,
      ["body.assessments.0.level", "body.assessments.0.skillId", "body.more", "body.rating", "body.skillsWorked"],
    ])
  })

  test("a draft changes in the sent fields only, and only by its coach", async () => {
    const id = await club.draft({ skillsWorked: ["Serve"], rating: 3 })
    const changed = await club.send(club.coach, "PATCH", `/feedback/${id}`, { text: "Better.", rating: null })
    expect(changed.body).toMatchObject({ text: "Better.", rating: null, skillsWorked: ["Serve"] })
    const patch = async (by: typeof club.coach) =>
      outcome(await club.send(by, "PATCH", `/feedback/${id}`, { text: "" }))
    expect(await patch(club.staff)).toBe("403 not_allowed")
    expect(await patch(club.otherCoach)).toBe("404 not_found")
    expect(await patch(club.student)).toBe("404 not_found")
    expect(await patch(club.foreignAdmin)).toBe("404 not_found")
  })
})

describe("publishing", () => {
  test("notifies the student and the permitted parents, with every field true", async () => {
    const id = await club.draft({ skillsWorked: ["Volley"] })
    const published = await publish(id)
    expect(published.body).toMatchObject({ id, status: "published", publishedBy: club.coach.id })
    expect(await recordedBy(club, published)).toEqual([
      {
        type: "feedback.published",
        facility_id: club.id,
        user_id: club.coach.id,
        data: {
          feedbackId: id,
          sessionId: club.sessionId,
          coachId: club.coach.id,
          coachName: "Mia Keller",
          facilityId: club.id,
          studentId: club.student.id,
          studentName: "Mia Keller",
          parentIds: [club.parent.id],
          hasVideo: false,
          hasPhotos: false,
          skillsWorked: ["Volley"],
        },
      },
    ])
  })

  test("five at once: one publishes, the others get a conflict, and there is one event", async () => {
    const id = await club.draft()
    const answers = await Promise.all(Array.from({ length: 5 }, () => publish(id)))
    expect(answers.map(outcome).sort()).toEqual(["200", ...Array(4).fill("409 feedback_published")])
    const events = await club.db`
      select 1 from slotbase.events where aggregate_id = ${id} and type = 'feedback.published'`
    expect(events).toHaveLength(1)
  })

  test("ends every change", async () => {
    const id = await club.draft()
    await publish(id)
    expect(outcome(await club.send(club.coach, "PATCH", `/feedback/${id}`, { text: "x" }))).toBe(
      "409 feedback_published",
    )
    const added = await club.send(club.coach, "POST", `/feedback/${id}/media`, aForm(jpeg()))
    expect(outcome(added)).toBe("409 feedback_published")
    expect(outcome(await club.send(club.student, "PATCH", `/feedback/${id}`, { text: "x" }))).toBe("403 not_allowed")
  })

  test("needs content, and the coach or an administrator", async () => {
    const empty = await club.draft({ text: " " })
    expect(outcome(await publish(empty))).toBe("422 feedback_empty")
    const id = await club.draft()
    expect(outcome(await publish(id, club.staff))).toBe("403 not_allowed")
    expect(outcome(await publish(id, club.otherCoach))).toBe("404 not_found")
    expect(outcome(await publish(id, club.admin))).toBe("200")
  })

  test("a frame goes only to the student and the permitted parents", async () => {
    const server = await liveServer(club.db)
    await server.pass()
    try {
      const listeners = await Promise.all(
        [club.student, club.parent, club.payer].map(async ({ id, token }) => {
          const client = await server.connect({ token })
          await client.subscribe(`user:${id}:feedback`)
          return client
        }),
      )
      const id = await club.draft()
      await publish(id)
      await server.pass()
      const heard = await Promise.all(
        listeners.map(async (client) => (await client.drain()).map(({ type, payload }) => ({ type, payload }))),
      )
      const frame = {
        type: "feedback.new",
        payload: { feedbackId: id, sessionId: club.sessionId, coachName: "Mia Keller" },
      }
      expect(heard).toEqual([[frame], [frame], []])
      for (const client of listeners) client.close()
    } finally {
      await server.stop()
    }
  })
})

describe("reading", () => {
  const seers = () => ({
    admin: club.admin,
    staff: club.staff,
    coach: club.coach,
    otherCoach: club.otherCoach,
    student: club.student,
    friend: club.friend,
    parent: club.parent,
    payer: club.payer,
    foreignAdmin: club.foreignAdmin,
  })
  const whoSees = async (id: string) => {
    const seen = await Promise.all(
      Object.entries(seers()).map(async ([name, by]) => {
        const one = await club.get(by, `/feedback/${id}`)
        const list = await club.get(by, `/feedback?studentId=${club.student.id}`)
        const listed = (list.body.data ?? []).some((each: { id: string }) => each.id === id)
        expect([name, listed]).toEqual([name, one.status === 200])
        return one.status === 200 ? name : undefined
      }),
    )
    return seen.filter((name) => name !== undefined)
  }

  test("a draft is for its coach and staff; published feedback also for the student and the permitted parent", async () => {
    const id = await club.draft()
    expect(await whoSees(id)).toEqual(["admin", "staff", "coach"])
    await publish(id)
    expect(await whoSees(id)).toEqual(["admin", "staff", "coach", "student", "parent"])
  })

  test("the list is newest first, in pages, and filtered", async () => {
    const sessionId = await club.aSession()
    const ids: string[] = []
    for (let n = 0; n < 3; n++) ids.push(await club.draft({ sessionId }))
    await publish(ids[1] ?? "")
    const list = async (query: string) => {
      const { body } = await club.get(club.coach, `/feedback?sessionId=${sessionId}${query}`)
      return { ids: body.data.map(({ id }: { id: string }) => ids.indexOf(id)), next: body.next }
    }
    const first = await list("&limit=2")
    expect(first.ids).toEqual([2, 1])
    expect(await list(`&limit=2&after=${first.next}`)).toEqual({ ids: [0], next: null })
    expect((await list("&status=published")).ids).toEqual([1])
    expect((await list("&status=draft")).ids).toEqual([2, 0])
    expect((await list(`&coachId=${club.otherCoach.id}`)).ids).toEqual([])
    expect(outcome(await club.get(club.coach, "/feedback?status=lost"))).toBe("422 invalid_input")
  })
})
