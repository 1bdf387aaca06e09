// The words of a facility's own over HTTP: what is refused, with its place, and what the rest reads.

import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { newId } from "#base/ids.ts"
import { type TestApi, testApi } from "#test/harness/api/api.ts"
import { eventually } from "#test/harness/setup/eventually.ts"

let api: TestApi
let facility: string
let admin: string
beforeAll(async () => {
  api = await testApi()
  facility = await api.facility({ name: "Riverside" })
  admin = (await api.person("facility_admin", facility)).token
})
afterAll(() => api.database.drop())

const path = (id = "booking-confirmation", of = facility) => `/v1/facilities/${of}/message-templates/${id}`
const put = (body: object, id?: string) => api.call("PUT", path(id), { token: admin, body })
const preview = (body: object, id?: string) => api.call("POST", `${path(id)}/preview`, { token: admin, body })
const languageOf = ({ languages }: { languages: { language: string }[] }, wanted: string) =>
  languages.find(({ language }) => language === wanted)
const trail = (id: string) => api.database.db`
  select action, before, after from slotbase.audit_log
  where facility_id = ${facility} and subject_id = ${id} and subject_type = 'message_template' order by id`

test("the list has every message but those of accounts and of the program, with words, variables and filters", async () => {
  const { status, body } = await api.call("GET", `/v1/facilities/${facility}/message-templates`, { token: admin })
  expect(status).toBe(200)
  const ids = body.data.map(({ templateId }: { templateId: string }) => templateId)
  expect(ids).toContain("booking-confirmation")
  for (const id of ["password-reset", "email-confirmation", "account-invitation", "phone-code", "platform-failing"])
    expect(ids).not.toContain(id)
  const one = body.data.find(({ templateId }: { templateId: string }) => templateId === "booking-reminder")
  expect([one.title, one.events, one.samples]).toEqual([
    "Booking reminder",
    ["booking.reminder.due"],
    ["booking.reminder.due", "booking.reminder.due parent 1"],
  ])
  expect(languageOf(one, "de")).toMatchObject({
    own: null,
    lastFailure: null,
    builtIn: { heading: expect.any(String) },
  })
  expect(one.variables).toContainEqual({ name: "recipient.firstName", example: '"Mia"' })
  expect(one.filters).toContain("money")
})

test("own words stand in the preview in their place, in each language, and the rest stays built in", async () => {
  const subject = "{{ facility.name }}: {{ data.resourceName }}, {{ data.startAt | short_time: data.timezone }}"
  const english = await preview({ language: "en", subject, lead: "See you, {{ recipient.firstName }}!" })
  expect([english.status, english.body.sample]).toEqual([200, "booking.confirmed"])
  expect(english.body.subject).toBe("Riverside: Court 1, Thu, 12 Mar 2026, 18:00")
  expect(english.body.short).toBe("Court 1 at Riverside: Thursday, 12 March 2026, 18:00–19:00.")
  expect(english.body.text).toBe(`Hello Mia,

See you, Mia!

When: Thursday, 12 March 2026, 18:00–19:00
Where: Court 1, Riverside
Players: Mia Keller, Noah Brandt
Price: €24.00
Paid: €24.00 by card, Monday, 9 March 2026, 17:20
Reference: 9B2E10

See or cancel the booking: https://book.example.com/link

If your plans change, please cancel early, so that somebody else can play.

--${" "}
Riverside · sent with SlotBase
`)
  const german = await preview({ language: "de", subject, note: "" })
  expect(german.body.subject).toBe("Riverside: Court 1, Do., 12. März 2026, 18:00 Uhr")
  expect(german.body.text).not.toContain("sag bitte früh ab")
})

test("a preview shows the message of another reader, and refuses a sample that is none", async () => {
  const lead = '{% if recipient.as == "booker" %}You booked.{% else %}{{ data.bookerName }} booked.{% endif %}'
  const { body } = await preview({ language: "en", lead, sample: "booking.confirmed participant 1" })
  expect(body.text).toContain("\nMia Keller booked.\n")
  expect(body.text).not.toContain("Price")
  const none = await preview({ language: "en", lead, sample: "booking.gone" })
  expect([none.status, none.body.errors]).toEqual([
    422,
    [{ path: "body.sample", message: expect.stringMatching(/^Expected one of booking.confirmed, booking.confirmed /) }],
  ])
})

test("markup in words is text in the mail, and no line is added to it", async () => {
  const { body } = await preview({ language: "en", heading: '<b onclick="x">Hi</b> {{ data.bookerName }}' })
  expect(body.html).toContain("&lt;b onclick=&#34;x&#34;&gt;Hi&lt;/b&gt; Mia Keller")
  const lines = await put({ language: "en", subject: "Hi\r\nBcc: all@example.com" })
  expect([lines.status, lines.body.errors[0].path]).toEqual([422, "body.subject"])
})

describe("words are refused when they are saved", () => {
  const tried = "Tried with booking.confirmed."
  const cases: readonly (readonly [name: string, words: object, path: string, message: string])[] = [
    ["not closed", { subject: "Hi {{ data.x" }, "subject", `line 1, column 4: output "{{ data.x" not closed. ${tried}`],
    [
      "unknown variable",
      { lead: "{{ data.nope }}" },
      "lead",
      `line 1, column 4: unknown variable: data.nope. ${tried}`,
    ],
    [
      "unknown in a branch that is not taken",
      { lead: "Hi{% if facility.name == 'x' %}{{ nope }}{% endif %}" },
      "lead",
      `line 1, column 35: unknown variable: nope. ${tried}`,
    ],
    [
      "unknown filter",
      { note: "{{ resource | shout }}" },
      "note",
      `line 1, column 1: undefined filter: shout. ${tried}`,
    ],
    [
      "a loop",
      { note: "{% for i in (1..999999999) %}x{% endfor %}" },
      "note",
      `line 1, column 1: tag "for" not found. ${tried}`,
    ],
    ["a file", { note: "{% include '/etc/passwd' %}" }, "note", `line 1, column 1: tag "include" not found. ${tried}`],
    [
      "empty subject",
      { subject: "{% if facility.name == 'x' %}Hi{% endif %}" },
      "subject",
      `They make an empty text. ${tried}`,
    ],
    [
      "empty for another reader",
      { subject: "{% if recipient.as == 'booker' %}Hi{% endif %}" },
      "subject",
      "They make an empty text. Tried with booking.confirmed participant 1.",
    ],
    ["an object", { lead: "{{ data.participants }}" }, "lead", `They show a value that is no text or number. ${tried}`],
    [
      "the program's links",
      { lead: "{{ 'https://booking.slot' | append: 'base.invalid/' }}" },
      "lead",
      `They make a place of the program's own links. ${tried}`,
    ],
    [
      "too deep",
      { lead: "{% if resource %}".repeat(11) },
      "lead",
      `line 1, column 171: More than 10 blocks are inside each other. ${tried}`,
    ],
    ["too long", { lead: "x".repeat(1_001) }, "lead", "Expected text of at most 1000 characters"],
  ]
  test.each(cases)("%s", async (_name, words, field, message) => {
    const saved = await put({ language: "en", ...words })
    expect([saved.status, saved.body.errors]).toEqual([422, [{ path: `body.${field}`, message }]])
    expect((await preview({ language: "en", ...words })).body.errors).toEqual(saved.body.errors)
  })

  test("every field that is broken is named", async () => {
    const { body } = await put({ language: "de", subject: "{{ a", heading: "Gut", note: "{{ b }}" })
    expect(body.errors.map(({ path: at }: { path: string }) => at)).toEqual(["body.subject", "body.note"])
  })

  test("without a field, and in a language that is none", async () => {
    expect((await put({ language: "en" })).body.errors).toEqual([
      { path: "body", message: "Expected at least one of subject, short, heading, lead, note" },
    ])
    expect((await put({ language: "fr", subject: "Salut" })).status).toBe(422)
  })

  test("of a message about an account, which says so; of none, with a 404", async () => {
    for (const id of ["password-reset", "email-changed", "account-invitation", "phone-code", "platform-failing"]) {
      const { status, body } = await put({ language: "en", subject: "Click here" }, id)
      expect([id, status, body.code, body.detail]).toEqual([
        id,
        422,
        "template_is_fixed",
        "The words of this message cannot be changed: it is about an account or about the program itself.",
      ])
    }
    expect((await put({ language: "en", subject: "Hi" }, "nope")).status).toBe(404)
    expect(
      await api.database.db`select from slotbase.message_templates where template_id = 'password-reset'`,
    ).toHaveLength(0)
  })
})

test("every built-in text may be saved as a facility's own, in both languages", async () => {
  const { body } = await api.call("GET", `/v1/facilities/${facility}/message-templates`, { token: admin })
  const owner = await api.facility()
  const { checkWords } = await import("#outbound/messages/own-words/check.ts")
  const { changeableTemplate } = await import("#outbound/messages/own-words/changeable.ts")
  // A busy machine may end the child that tries them, which says: ask again.
  for (const { templateId, languages } of body.data)
    for (const { language, builtIn } of languages)
      await eventually(() => checkWords(owner, changeableTemplate(templateId), language, builtIn))
})

test("saving replaces the words of one language, once, and the trail says what they were", async () => {
  const id = "waitlist-offer"
  const first = await put({ language: "en", subject: "Free: {{ resource }}", note: "" }, id)
  expect(first.status).toBe(200)
  expect(languageOf(first.body, "en")).toMatchObject({ own: { subject: "Free: {{ resource }}", note: "", version: 1 } })
  expect(languageOf(first.body, "de")).toMatchObject({ own: null })
  const same = await put({ language: "en", subject: "Free: {{ resource }}", note: "" }, id)
  expect(same.body).toEqual(first.body)
  const other = await put({ language: "en", heading: "Yours?" }, id)
  expect(languageOf(other.body, "en")).toMatchObject({ own: { heading: "Yours?", version: 2 } })
  expect(languageOf(other.body, "en")).not.toMatchObject({ own: { subject: expect.anything() } })
  expect((await api.call("GET", path(id), { token: admin })).body).toEqual(other.body)
  await put({ language: "de", heading: "Deiner?" }, id)
  expect((await api.call("DELETE", `${path(id)}?language=en`, { token: admin })).status).toBe(204)
  expect((await api.call("DELETE", path(id), { token: admin })).status).toBe(204)
  expect((await api.call("DELETE", path(id), { token: admin })).status).toBe(204)
  const { languages } = (await api.call("GET", path(id), { token: admin })).body
  expect(languages.map(({ own }: { own: unknown }) => own)).toEqual([null, null])
  expect([...(await trail(id))]).toEqual([
    { action: "message_template.changed", before: {}, after: { "en subject": "Free: {{ resource }}", "en note": "" } },
    {
      action: "message_template.changed",
      before: { "en subject": "Free: {{ resource }}", "en note": "" },
      after: { "en heading": "Yours?" },
    },
    { action: "message_template.changed", before: {}, after: { "de heading": "Deiner?" } },
    { action: "message_template.reset", before: { "en heading": "Yours?" }, after: {} },
    { action: "message_template.reset", before: { "de heading": "Deiner?" }, after: {} },
  ] as never)
})

test("words that are saved at once follow each other, and a repeated request saves once", async () => {
  const id = "booking-cancelled"
  const answers = await Promise.all(["a", "b", "c", "d"].map((heading) => put({ language: "en", heading }, id)))
  expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200])
  const own = languageOf((await api.call("GET", path(id), { token: admin })).body, "en") as never as {
    own: { version: number }
  }
  expect(own.own.version).toBe(4)
  const key = { "idempotency-key": newId() }
  const body = { language: "de", heading: "Abgesagt" }
  const once = () => api.call("PUT", path(id), { token: admin, body, headers: key })
  expect((await once()).body).toEqual((await once()).body)
  expect((await trail(id)).length).toBe(5)
})

test("when the child that tries the words is killed, nothing is saved and the words are not blamed", async () => {
  const { wordsChildren } = await import("#outbound/messages/own-words/make-words.ts")
  const body = { language: "en", heading: "Moved, {{ recipient.firstName }}" }
  const killed = new Set<number>()
  let answered = false
  // In each turn of the loop, so that no child lives long enough to answer.
  const kill = () => {
    for (const pid of wordsChildren()) {
      if (!killed.has(pid)) process.kill(pid, "SIGKILL")
      killed.add(pid)
    }
    if (!answered) setImmediate(kill)
  }
  kill()
  const refused = await put(body, "booking-rescheduled")
  answered = true
  expect(killed.size).toBeGreaterThanOrEqual(2)
  expect([refused.status, refused.body.code, refused.headers.get("retry-after")]).toEqual([503, "words_not_tried", "5"])
  expect(await trail("booking-rescheduled")).toHaveLength(0)
  expect((await put(body, "booking-rescheduled")).status).toBe(200)
})

test("members and staff may not, and another facility has its own", async () => {
  const other = await api.facility()
  const theirs = (await api.person("facility_admin", other)).token
  const staff = (await api.person("staff", facility)).token
  expect((await api.call("GET", path(), { token: staff })).status).toBe(403)
  expect((await api.call("PUT", path(), { token: theirs, body: { language: "en", subject: "Hi" } })).status).toBe(404)
  await put({ language: "en", subject: "Ours" })
  const { languages } = (await api.call("GET", path(undefined, other), { token: theirs })).body
  expect(languages.map(({ own }: { own: unknown }) => own)).toEqual([null, null])
})
