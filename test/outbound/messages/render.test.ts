// Templates: each makes a whole message of its event's sample in both languages, and markup in names comes out as text.

import { expect, test } from "bun:test"
import { Liquid } from "liquidjs"
import { languages } from "#base/languages.ts"
import { definitionOf } from "#events/catalogue.ts"
import { templateLimits } from "#outbound/messages/language/engine.ts"
import { oneLine } from "#outbound/messages/one-line.ts"

import { compiledTemplate, render, type SharedFields } from "#outbound/messages/render.ts"
import { samples, viewOf } from "#outbound/messages/sample-view.ts"
import { templateIds, templates } from "#outbound/messages/templates/catalogue.ts"
import { wordFields } from "#outbound/messages/templates/template.ts"
import { ofChild, wordsOfReader } from "#outbound/messages/templates/values.ts"

const view = (type: string, data: object = {}, as = "booker") =>
  viewOf(type, { ...(definitionOf(type)?.sample as object), ...data }, as)

test("every message has its words in every language, and no line stays empty or unfilled", () => {
  for (const { type, templateId, variant, view: shown } of samples()) {
    for (const language of languages) {
      const message = render(templateId, shown, language)
      const { link: _, ...parts } = message
      for (const part of Object.values(parts)) {
        expect([type, variant, language, part.length > 0]).toEqual([type, variant, language, true])
        expect(part).not.toMatch(/\{\{|\{%|undefined|null|NaN|\[object/)
      }
      expect(message.text).not.toMatch(/^[^\n]*: $/m)
      expect(message.html).toStartWith(`<!doctype html>\n<html lang="${language}">`)
    }
  }
})

test("fields that two readers of an event share say the same as without sharing, whatever part each has", () => {
  for (const language of languages)
    for (const type of new Set(samples().map((sample) => sample.type))) {
      const shared: SharedFields = new Map()
      for (const { templateId, view: shown } of samples().filter((sample) => sample.type === type && !sample.variant)) {
        const parts = ["booker", "participant", "facility_admin", "payer"].map((as) => ({
          ...shown,
          receipt: as === "booker" ? shown.receipt : null,
          recipient: { ...shown.recipient, as, firstName: as },
        }))
        for (const part of parts)
          expect(render(templateId, part, language, {}, shared)).toEqual(render(templateId, part, language))
      }
    }
})

test("no template decides in a mail whether its reader is a parent: that is decided when it is compiled", () => {
  for (const template of Object.values(templates))
    for (const language of languages)
      for (const field of ["subject", "short", "heading", "lead", "note"] as const)
        for (const reader of ["own", "child"] as const)
          expect(wordsOfReader(reader, template[language][field])).not.toContain("parentName")
  expect(wordsOfReader("own", ofChild("Ben's", "your"))).toBe("your")
  expect(wordsOfReader("child", ofChild("Ben's", "your"))).toBe("Ben's")
})

test("the samples show every template", () => {
  expect([...new Set(samples().map(({ templateId }) => templateId))].sort()).toEqual([...templateIds].sort())
})

test("both languages of a message use the same variables, in every field", () => {
  const engine = new Liquid()
  for (const filter of ["money", "local_time", "short_time", "period", "day", "short_day", "date", "weekdays"])
    engine.registerFilter(filter, String)
  for (const filter of ["wall_time", "short_id", "words", "reason"]) engine.registerFilter(filter, String)
  const variablesOf = (text: string) =>
    engine.globalFullVariablesSync(text).filter((each) => !each.startsWith("facility"))
  /** The code of a blocked series chooses the German sentence. */
  const beside = new Set(["data.reason", "data.failureCode"])
  for (const [id, template] of Object.entries(templates)) {
    for (const field of ["subject", "short", "heading", "lead", "note"] as const) {
      const [en, de] = [template.en[field], template.de[field]].map((text) =>
        variablesOf(text)
          .filter((each) => !beside.has(each))
          .sort(),
      )
      expect([id, field, de]).toEqual([id, field, en])
    }
  }
})

test("a booking's confirmation, character by character, in English", () => {
  const { subject, short, text } = render(
    "booking-confirmation",
    view("booking.confirmed", { paymentMethod: "offline" }),
    "en",
  )
  expect(subject).toBe("Booking confirmed: Court 1, Thu, 12 Mar 2026, 18:00")
  expect(short).toBe("Court 1 at Parkside Tennis: Thursday, 12 March 2026, 18:00–19:00.")
  expect(text).toBe(`Hello Mia,

Court 1 at Parkside Tennis is yours.

When: Thursday, 12 March 2026, 18:00–19:00
Where: Court 1, Parkside Tennis
Players: Mia Keller, Noah Brandt
Price: €24.00
Payment: To be paid at the facility
Reference: 9B2E10

See or cancel the booking: https://booking.slotbase.invalid/

Please pay €24.00 at the front desk before you play. If your plans change, please cancel early, so that somebody else can play.

--${" "}
Parkside Tennis · sent with SlotBase
`)
})

test("a booking that was paid online has its receipt in the confirmation, character by character, in German", () => {
  const { subject, short, text } = render("booking-confirmation", view("booking.confirmed"), "de")
  expect(subject).toBe("Buchung bestätigt: Court 1, Do., 12. März 2026, 18:00 Uhr")
  expect(short).toBe("Court 1 bei Parkside Tennis: Donnerstag, 12. März 2026, 18:00–19:00 Uhr.")
  expect(text).toBe(`Hallo Mia!

Court 1 bei Parkside Tennis ist für dich gebucht. Danke für deine Zahlung.

Wann: Donnerstag, 12. März 2026, 18:00–19:00 Uhr
Wo: Court 1, Parkside Tennis
Mit dabei: Mia Keller, Noah Brandt
Preis: 24,00 €
Bezahlt: 24,00 € (Karte), Montag, 9. März 2026, 17:20 Uhr
Kennung: 9B2E10

Buchung ansehen oder absagen: https://booking.slotbase.invalid/

Wenn dir etwas dazwischenkommt, sag bitte früh ab, damit jemand anderes spielen kann.

--${" "}
Parkside Tennis · gesendet mit SlotBase
`)
})

test("an offer says until when, and what to do, in both languages", () => {
  const offer = view("waitlist.offered")
  expect(render("waitlist-offer", offer, "en").text).toContain(
    "Held until: Monday, 9 March 2026, 17:35\n\nAccept or decline: https://booking.slotbase.invalid/\n",
  )
  expect(render("waitlist-offer", offer, "de").text).toContain(
    "Reserviert bis: Montag, 9. März 2026, 17:35 Uhr\n\nAnnehmen oder ablehnen: https://booking.slotbase.invalid/\n",
  )
})

test("a reader in another zone is told the zone of the place, and only then", () => {
  const shown = view("booking.reminder.due")
  const abroad = { ...shown, recipient: { ...shown.recipient, timezone: "Europe/London" } }
  expect(render("booking-reminder", abroad, "de").text).toContain(
    "Wann: Donnerstag, 12. März 2026, 18:00–19:00 Uhr Mitteleuropäische Normalzeit\n",
  )
  expect(render("booking-reminder", shown, "de").text).toContain("Wann: Donnerstag, 12. März 2026, 18:00–19:00 Uhr\n")
})

test("a participant reads the booker's name, and not the price", () => {
  const { subject, text, html } = render("booking-confirmation", view("booking.confirmed", {}, "participant"), "en")
  expect(subject).toBe("Mia Keller booked for you: Court 1, Thu, 12 Mar 2026, 18:00")
  expect(text).toContain("Mia Keller booked Court 1 at Parkside Tennis and named you as a participant.")
  expect(text + html).not.toMatch(/24\.00|Price|Paid/)
})

test("a phone parts neither a span of time nor a date of a list", () => {
  const booked = render("booking-confirmation", view("booking.confirmed"), "en").html
  expect(booked).toContain('Thursday, 12 March 2026, <span style="white-space:nowrap">18:00–19:00</span>')
  const series = render("series-booked", view("recurring_booking.created"), "en")
  expect(series.html).toContain('margin-right:14px">Thu, 12 Mar 2026</span> <span')
  expect(series.text).toContain("Dates: Thu, 12 Mar 2026 · Thu, 26 Mar 2026 · ")
})

test("optional fields may be absent", () => {
  const {
    refundAmount: _amount,
    refundStatus: _status,
    ...data
  } = view("booking.cancelled").data as Record<string, unknown>
  const { text } = render("booking-cancelled", { ...view("booking.cancelled"), data }, "en")
  expect(text).not.toContain("Refund")
  expect(text).toContain("Reason: Injured")
})

test("a view without a field that the template names is an error, never a gap in a mail", () => {
  expect(() => render("booking-confirmation", { ...view("booking.confirmed"), data: {} }, "en")).toThrow(
    /undefined variable/,
  )
})

test("markup, template code and line breaks in names come out as text on one line", () => {
  const hostile = `</td><script>alert(1)</script>\r\nBcc: victim@example.com\u2028{{ data.bookingId }}\u202e"'&`
  const { subject, short, text, html } = render(
    "booking-confirmation",
    view("booking.confirmed", {
      resourceName: hostile,
      participants: [{ userId: "x", name: hostile, role: "player" }],
    }),
    "en",
  )
  const seen = `</td><script>alert(1)</script> Bcc: victim@example.com {{ data.bookingId }}"'&`
  expect(subject).toBe(`Booking confirmed: ${seen}, Thu, 12 Mar 2026, 18:00`)
  expect(short.split("\n")).toHaveLength(1)
  expect(text).toContain(`Players: ${seen}\n`)
  expect(html).not.toContain("<script>")
  expect(html).toContain(
    "&lt;/td&gt;&lt;script&gt;alert(1)&lt;/script&gt; Bcc: victim@example.com {{ data.bookingId }}&#34;&#39;&amp;",
  )
})

test("a line is cut at its limit, never inside a character", () => {
  expect(oneLine(`${"a".repeat(9)}🎾🎾`, 11)).toBe(`${"a".repeat(9)}…`)
  expect(oneLine("\u0000 a \t\n b ")).toBe("a b")
})

test("a template that is too long, loops for long or makes too much is ended", () => {
  const engine = new Liquid(templateLimits)
  const loops =
    "{% for a in (1..900) %}{% for b in (1..900) %}{% for c in (1..900) %}.{% endfor %}{% endfor %}{% endfor %}"
  expect(() => engine.parseAndRenderSync("x".repeat(templateLimits.parseLimit + 1))).toThrow(/parse length limit/)
  expect(() => engine.parseAndRenderSync("{% for a in (1..2000000) %}.{% endfor %}")).toThrow(/memory alloc limit/)
  expect(() => engine.parseAndRenderSync(loops)).toThrow(/(template render|memory alloc) limit/)
  expect(engine.parseAndRenderSync("{% for a in (1..900) %}.{% endfor %}")).toBe(".".repeat(900))
})

test("every template parses in every language, for its reader and for a parent", () => {
  for (const id of templateIds)
    for (const language of languages)
      for (const isOfChild of [false, true])
        expect(Object.keys(compiledTemplate(id, language, isOfChild).words).sort()).toEqual([...wordFields].sort())
})
