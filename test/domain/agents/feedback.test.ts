// Feedback that agents improve: by rules, and by a service outside within what the facility allows.

import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test"
import type { Handler } from "#actors/handlers/handler.ts"
import { handlersOf, mirrorHandlers } from "#actors/handlers/index.ts"
import { wordsInFile } from "#domain/agents/feedback/words-in-file.ts"
import { aForm, type FeedbackClub, makeFeedbackClub, outcome } from "#test/harness/club/feedback-club.ts"
import { jpeg, voiceNoteWithWords, wav } from "#test/harness/club/media-files.ts"
import { completion, type FakeAi, fakeAi, spoken } from "#test/harness/outside/fake-ai.ts"
import { afterACrash, type Delivery, once, twice } from "#test/harness/pipeline/delivered-again.ts"

let ai: FakeAi
let club: FeedbackClub
let byRules: readonly Handler[]
let byModel: readonly Handler[]
let telling: Handler
const names = ["AIAnalysisHandler", "FeedbackEnhancementAgent"]
const named = (handlers: readonly Handler[]) => handlers.filter(({ name }) => names.includes(name))

beforeAll(async () => {
  ai = fakeAi()
  const service = { url: ai.url, key: "secret-key", model: "writer-1", speechModel: "hearer-1" }
  club = await makeFeedbackClub({ egressAllow: ["127.0.0.0/8"] })
  byRules = named(handlersOf(club.api.app))
  byModel = named(handlersOf({ ...club.api.app, config: { ...club.api.app.config, ai: service } }))
  const found = handlersOf(club.api.app).find(({ name }) => name === "NotificationHandler")
  if (!found) throw new Error("NotificationHandler is missing")
  telling = found
  await mirrorHandlers(club.db, [...byRules, telling])
})
afterAll(async () => {
  await ai.stop()
  await club.stop()
})
beforeEach(async () => {
  ai.asked.length = 0
  ai.instead.length = 0
  await settings({ whoseWords: "everybody", monthlyBudget: 100_000 })
})

const settings = (body: object) => club.send(club.admin, "PUT", "/agent-settings", body)
const handle = async (handlers: readonly Handler[], deliver: Delivery = once) => {
  // An analysis makes an event for the agent.
  for (const handler of [...handlers, ...handlers]) await deliver(club.db, handler)
}
const suggestionsOf = async (id: string) => (await club.get(club.coach, `/feedback/${id}/suggestions`)).body.data
const calls = async () => (await club.get(club.admin, "/agent-calls")).body.data
const eventsOf = (id: string, type: string) => club.db`
  select data from slotbase.events where type = ${type} and data ->> 'feedbackId' = ${id} order by id`
const speak = async (id: string) => {
  const form = aForm(wav(3), { part: "voiceNote", name: "Emma Klein says.wav", type: "audio/wav" })
  expect((await club.send(club.coach, "POST", `/feedback/${id}/media`, form)).status).toBe(201)
}
const letters = () => club.db`select handler, errors from slotbase.dead_letters where resolved_at is null order by id`

// First: of many events at once the handler leaves most to another actor.
describe("a suggestion is told", () => {
  const messages = () => club.db<{ template_id: string; user_id: string; title: string; status: string }[]>`
    select template_id, user_id, title, status from slotbase.notifications
    where template_id = 'suggestion-waiting' and channel = 'email'
    order by created_at, id`

  test("to the coach of the feedback, once for all that come within an hour, and without a name", async () => {
    for (const text of ["good  backhand Emma", "good  forehand Emma", "good  serve Emma"]) await club.draft({ text })
    await handle([...byRules, telling])
    const told = await messages()
    expect(told.map((each) => [each.user_id, each.status])).toEqual([[club.coach.id, "pending"]])
    expect(JSON.stringify(told)).not.toContain("Emma")
    const later = await club.draft({ text: "good  volley" })
    await handle([...byRules, telling], twice)
    expect(await messages()).toHaveLength(1)
    await club.db`update slotbase.notifications set created_at = created_at - interval '61 minutes'`
    await club.draft({ text: "good  smash" })
    await handle([...byRules, telling])
    expect(await messages()).toHaveLength(2)
    expect(await suggestionsOf(later)).toHaveLength(1)
  })

  test("no more when nothing waits for the coach", async () => {
    await club.db`update slotbase.notifications set created_at = created_at - interval '61 minutes'`
    await club.db`update slotbase.feedback_suggestions set status = 'superseded' where status = 'open'`
    const before = (await messages()).length
    const id = await club.draft({ text: "good  lob" })
    await handle(byRules)
    const [made] = await suggestionsOf(id)
    expect((await club.post(club.coach, `/feedback-suggestions/${made.id}/approve`)).status).toBe(200)
    await handle([telling])
    expect(await messages()).toHaveLength(before)
  })
})

describe("by rules", () => {
  test("text is tidied, skills are found, and the suggestion says that it is rule-based", async () => {
    const id = await club.draft({ text: "good  backhand today ,keep going. watch the footwork" })
    await handle(byRules)
    const [made] = await suggestionsOf(id)
    expect(made).toMatchObject({ status: "open", madeBy: "rules", ruleBased: true, transcript: null, approved: null })
    expect(made.suggested).toEqual({
      text: "Good backhand today, keep going. Watch the footwork.",
      skillsWorked: ["Backhand", "Footwork"],
    })
    expect(made.notes).toContain("No text service is configured.")
    expect(made.notes.join(" ")).not.toContain("not looked at")
    const [{ data }] = (await eventsOf(id, "feedback.enhanced")) as unknown as [{ data: object }]
    expect(data).toMatchObject({ enhancementType: "all", skillsExtracted: ["Backhand", "Footwork"] })
    expect((await club.get(club.coach, `/feedback/${id}`)).body.text).toStartWith("good  backhand")
    expect(ai.asked).toEqual([])
  })

  test("a photo is not looked at, and the suggestion says so", async () => {
    const id = await club.draft({ text: "good  backhand" })
    expect((await club.send(club.coach, "POST", `/feedback/${id}/media`, aForm(jpeg()))).status).toBe(201)
    await handle(byRules)
    expect((await suggestionsOf(id))[0].notes).toContain("Photos and videos were not looked at: 1.")
  })

  test("without a speech service a voice note stays untranscribed, and the event says so", async () => {
    const id = await club.draft({ text: "", rating: 4 })
    await speak(id)
    await handle(byRules)
    const [{ data }] = (await eventsOf(id, "media.processed")) as unknown as [{ data: object }]
    expect(data).toMatchObject({
      processingType: "ai_analysis",
      success: false,
      aiInsights: { transcribed: false, ruleBased: true, reason: "No speech service is configured." },
    })
    expect(await suggestionsOf(id)).toEqual([])
  })
})

describe("a voice note whose words stand in its file", () => {
  const said = { attributedString: ["Good backhand", { timeRange: [0, 1] }, "today , Emma", { timeRange: [1, 2] }] }
  const note = (bytes: Uint8Array) => aForm(bytes, { part: "voiceNote", name: "note.m4a", type: "audio/mp4" })

  test("becomes an enhanced, approved, published text without a service, once", async () => {
    const id = await club.draft({ text: "", rating: 4 })
    expect(
      (await club.send(club.coach, "POST", `/feedback/${id}/media`, note(voiceNoteWithWords(2, said)))).status,
    ).toBe(201)
    await handle(byRules, twice)
    const events = (await eventsOf(id, "media.processed")) as unknown as { data: object }[]
    expect(events.map(({ data }) => data)).toMatchObject([
      { success: true, aiInsights: { transcribed: true, ruleBased: true, source: "file", skills: ["Backhand"] } },
    ])
    const [made, ...more] = await suggestionsOf(id)
    expect([made.transcript, made.suggested.text, more]).toEqual([
      "Good backhand today , Emma",
      "Good backhand today, Emma.",
      [],
    ])
    expect((await club.post(club.coach, `/feedback-suggestions/${made.id}/approve`)).status).toBe(200)
    // A second note: what was approved of the first one is not suggested again.
    const nextWords = { attributedString: ["nice volley"] }
    await club.send(club.coach, "POST", `/feedback/${id}/media`, note(voiceNoteWithWords(1, nextWords)))
    await handle(byRules, twice)
    const [second] = await suggestionsOf(id)
    expect([second.transcript, second.suggested.text]).toEqual([
      "nice volley",
      "Good backhand today, Emma.\n\nNice volley.",
    ])
    expect((await club.post(club.coach, `/feedback-suggestions/${second.id}/reject`)).status).toBe(200)
    expect((await club.post(club.coach, `/feedback/${id}/publish`)).body.text).toBe("Good backhand today, Emma.")
    expect(ai.asked).toEqual([])
  })

  test("is heard by nobody else where a service is configured, and nothing leaves", async () => {
    const id = await club.draft({ text: "", rating: 4 })
    const runs = { attributedString: { runs: ["Good", 0, " serve", 1], attributeTable: [] } }
    await club.send(club.coach, "POST", `/feedback/${id}/media`, note(voiceNoteWithWords(2, runs)))
    await handle(byModel)
    expect(ai.asked.map(({ path }) => path)).not.toContain("/v1/audio/transcriptions")
    expect((await suggestionsOf(id))[0].transcript).toBe("Good serve")
  })

  test("has no words when the box is broken, far too large or of another form", async () => {
    const whole = voiceNoteWithWords(2, said)
    const at = Buffer.from(whole).indexOf("tsrp")
    const sized = (size: number) => {
      const bytes = Buffer.from(whole)
      bytes.writeUInt32BE(size, at - 4)
      return bytes
    }
    const files = [sized(4), sized(2 ** 31), whole.subarray(0, at + 20), voiceNoteWithWords(2, "words")]
    files.push(voiceNoteWithWords(2, { attributedString: ["x".repeat(600_000)] }), new Uint8Array(0))
    files.push(Buffer.alloc(100_000, "\0\0\0\b\0\0\0\0"))
    for (const bytes of files) expect(await wordsInFile(new Blob([Buffer.from(bytes)]))).toBeUndefined()
  })
})

describe("by a service", () => {
  test("a voice note becomes an enhanced, approved, published text, and both texts are kept", async () => {
    const id = await club.draft({ text: "please listen" })
    await speak(id)
    await handle(byModel)
    const heard = ai.asked.find(({ path }) => path === "/v1/audio/transcriptions")?.body ?? ""
    expect(heard).toContain('filename="note.wav"')
    expect(heard).toContain("hearer-1")
    expect(heard).not.toContain("Emma")
    const [made] = await suggestionsOf(id)
    expect(made).toMatchObject({ madeBy: "writer-1", ruleBased: false, transcript: spoken, status: "open" })
    expect(made.suggested.skillsWorked).toEqual(["Backhand", "Footwork"])
    expect(outcome(await club.post(club.otherCoach, `/feedback-suggestions/${made.id}/approve`))).toBe("404 not_found")
    const own = { text: "Please turn earlier." }
    const approved = await club.post(club.coach, `/feedback-suggestions/${made.id}/approve`, own)
    expect(approved.body).toMatchObject({
      status: "approved",
      original: { text: "please listen", skillsWorked: [] },
      approved: { text: "Please turn earlier.", skillsWorked: ["Backhand", "Footwork"] },
    })
    expect(outcome(await club.post(club.coach, `/feedback-suggestions/${made.id}/reject`))).toBe(
      "409 suggestion_decided",
    )
    expect((await club.post(club.coach, `/feedback/${id}/publish`)).body).toMatchObject({
      status: "published",
      text: "Please turn earlier.",
    })
  })

  test("no name leaves, and the record says what left, to whom and about a child", async () => {
    const [{ first_name, last_name }] = (await club.db`
      select first_name, last_name from slotbase.users where id = ${club.student.id}`) as unknown as [
      { first_name: string; last_name: string },
    ]
    const id = await club.draft({ text: `${first_name} ${last_name} did well, ${first_name} should turn earlier` })
    await handle(byModel)
    const body = ai.asked[0]?.body ?? ""
    expect(body).toContain("{player} did well, {player} should")
    expect(body.includes(first_name) || body.includes(last_name)).toBe(false)
    const [made] = await suggestionsOf(id)
    expect(made.suggested.text).toBe(`Please turn the shoulder earlier, ${first_name}.`)
    const [call] = await calls()
    expect(call).toMatchObject({
      ...{ agent: "FeedbackEnhancementAgent", purpose: "text", model: "writer-1", subjectId: id, aboutChild: true },
      ...{ endpoint: new URL(ai.url).host, status: "done", usedTokens: 120, requests: 1 },
    })
    expect(call.sent.noteCharacters).toBeGreaterThan(10)
    expect(JSON.stringify(call)).not.toContain("secret-key")
  })

  test.each([
    ["adults", "The facility does not let a child's words leave."],
    ["nobody", "The facility does not let a child's words leave."],
  ])("a child's words stay when %s are allowed", async (whoseWords, why) => {
    await settings({ whoseWords, monthlyBudget: 100_000 })
    const id = await club.draft({ text: "watch the backhand" })
    await speak(id)
    await handle(byModel)
    expect(ai.asked).toEqual([])
    const [made] = await suggestionsOf(id)
    expect(made).toMatchObject({ ruleBased: true })
    expect(made.notes).toContain(why)
  })

  test("a used-up budget leaves the rules, and says so", async () => {
    await settings({ whoseWords: "everybody", monthlyBudget: 0 })
    const id = await club.draft({ text: "watch the backhand" })
    await handle(byModel)
    expect(ai.asked).toEqual([])
    expect((await suggestionsOf(id))[0].notes).toContain("The month's budget for services is used up.")
  })

  test.each([
    ["twice", twice],
    ["again after a crash", afterACrash],
  ])("an event that is delivered %s charges the budget once and suggests once", async (_, deliver) => {
    const before = (await club.get(club.staff, "/agent-settings")).body.usedTokens
    const id = await club.draft({ text: "watch the backhand" })
    await handle(byModel, deliver)
    expect(await suggestionsOf(id)).toHaveLength(1)
    expect(await eventsOf(id, "feedback.enhanced")).toHaveLength(1)
    expect((await club.get(club.staff, "/agent-settings")).body.usedTokens).toBe(before + 120)
    expect(ai.asked).toHaveLength(1)
  })

  test("a process that dies while the service answers asks again under the same key, and is charged once", async () => {
    const before = (await club.get(club.staff, "/agent-settings")).body.usedTokens
    const id = await club.draft({ text: "watch the backhand" })
    // The answer never comes, as when the process is killed: the call stays begun.
    ai.instead.push(() => new Response("{", { status: 503 }))
    await afterACrash(club.db, byModel.find(({ name }) => name === "FeedbackEnhancementAgent") as Handler)
    expect(await suggestionsOf(id)).toHaveLength(1)
    expect(new Set(ai.asked.map(({ key }) => key)).size).toBe(1)
    expect(ai.asked).toHaveLength(2)
    expect((await club.get(club.staff, "/agent-settings")).body.usedTokens).toBe(before + 120)
    expect((await calls())[0]).toMatchObject({ requests: 2, status: "done", usedTokens: 120 })
  })

  test.each([
    ["no JSON", completion("Sure! Here is your text.")],
    ["another form", completion('{"text":7}')],
    ["an empty text", completion('{"text":" ","skills":[]}')],
    ["a text that is far longer", completion(JSON.stringify({ text: "x".repeat(5_000), skills: [] }))],
    ["control characters", completion('{"text":"a\\u0000b","skills":[]}')],
    ["an answer that was cut off", completion('{"text":"a', { finish_reason: "length" })],
    ["no choice", Response.json({ choices: [] })],
    ["no answer of the API", new Response("<html>")],
    ["a wrong key", Response.json({ error: { message: "bad key" } }, { status: 401 })],
  ])("%s is a dead letter that says what to do, and the draft stays free", async (_, answer) => {
    const id = await club.draft({ text: "watch the backhand" })
    ai.instead.push(answer)
    await handle(byModel)
    const [letter] = (await letters()) as unknown as [
      { handler: string; errors: { error: { message: string; code: string } }[] },
    ]
    expect(letter.handler).toBe("FeedbackEnhancementAgent")
    expect(letter.errors.at(-1)?.error.code).toBe("service_refused")
    expect(letter.errors.at(-1)?.error.message).toMatch(/reprocess this dead letter/i)
    expect((await club.post(club.coach, `/feedback/${id}/publish`)).status).toBe(200)
    await club.db`update slotbase.dead_letters set resolved_at = slotbase.now(), resolution = 'ignored', resolved_by = ${club.admin.id}`
    expect((await calls())[0].status).toBe("failed")
  })

  test.each([
    ["61", 50, 61],
    ["0", 3, 5],
  ])("a service that asks for patience (%j) is obeyed without using up a retry", async (asks, least, most) => {
    const id = await club.draft({ text: "watch the backhand" })
    ai.instead.push(new Response("{}", { status: 429, headers: { "retry-after": asks } }))
    await handle(byModel)
    expect(ai.asked).toHaveLength(1)
    const [run] = await club.db`
      select q.attempts, extract(epoch from q.ready_at - slotbase.now())::integer as seconds
      from slotbase.handler_queue q where q.handler = 'FeedbackEnhancementAgent' order by q.position desc limit 1`
    expect(run?.seconds).toBeWithin(least, most + 1)
    expect(await suggestionsOf(id)).toEqual([])
    await club.db`update slotbase.handler_queue set ready_at = slotbase.now()`
    await handle(byModel)
    expect(await suggestionsOf(id)).toHaveLength(1)
  })
})

test("a text that the coach changed since then is not overwritten unseen", async () => {
  const id = await club.draft({ text: "watch the backhand" })
  await handle(byRules)
  const [made] = await suggestionsOf(id)
  await club.send(club.coach, "PATCH", `/feedback/${id}`, { text: "Another text." })
  const path = `/feedback-suggestions/${made.id}/approve`
  expect(outcome(await club.post(club.coach, path))).toBe("409 feedback_changed")
  expect((await club.post(club.coach, path, { text: "Another text, better." })).status).toBe(200)
  expect((await club.get(club.coach, `/feedback/${id}`)).body).toMatchObject({
    text: "Another text, better.",
    skillsWorked: ["Backhand"],
  })
})
