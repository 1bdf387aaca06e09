// Templates: each makes a whole message of its event's sample, and markup in names comes out as text.

import { expect, test } from "bun:test"
import { Liquid } from "liquidjs"
import { definitionOf } from "#events/catalogue.ts"
import { NOTIFICATION_CONFIGS } from "#outbound/messages/configs.ts"
import { oneLine, render, type TemplateId, templateLimits, type View } from "#outbound/messages/render.ts"

const view = (type: string, data: object = {}, as = "booker"): View => ({
  data: { ...(definitionOf(type)?.sample as object), ...data },
  occurredAt: "2026-03-09T16:20:30.125Z",
  recipient: { userId: "01994a3e-7c00-7a10-8f3e-1c5d0a9b2eff", firstName: "Mia", name: "Mia Keller", as },
  facility: { name: "Parkside Tennis", timezone: "Europe/Berlin", currency: "EUR" },
  resource: "Court 1",
})

test("every notified event fills its template, and no line stays empty or unfilled", () => {
  for (const [type, config] of Object.entries(NOTIFICATION_CONFIGS)) {
    const message = render(config?.templateId as TemplateId, view(type))
    for (const part of Object.values(message)) {
      expect(part).not.toBe("")
      expect(part).not.toMatch(/\{\{|\{%|undefined|null|NaN|\[object/)
    }
    expect(message.text).not.toMatch(/^[^\n]*: $/m)
  }
})

test("a booking's confirmation, character by character", () => {
  const { subject, short, text } = render(
    "booking-confirmation",
    view("booking.confirmed", { paymentMethod: "offline" }),
  )
  expect(subject).toBe("Booking confirmed: Court 1, Thu, 12 Mar 2026, 18:00")
  expect(short).toBe("Court 1 at Parkside Tennis: Thursday, 12 March 2026, 18:00–19:00 Central European Standard Time.")
  expect(text).toBe(`Hello Mia,

Court 1 at Parkside Tennis is yours.

When: Thursday, 12 March 2026, 18:00–19:00 Central European Standard Time
Where: Court 1, Parkside Tennis
Players: Mia Keller, Noah Brandt
Price: €24.00
Payment: To be paid at the facility
Booking: 01994a3e-7c00-7a10-8f3e-1c5d0a9b2e10

If your plans change, please cancel early, so that somebody else can play.

--${" "}
Parkside Tennis · sent with SlotBase
`)
})

test("a participant reads the booker's name, and not the price", () => {
  const { subject, text, html } = render("booking-confirmation", view("booking.confirmed", {}, "participant"))
  expect(subject).toBe("Mia Keller booked for you: Court 1, Thu, 12 Mar 2026, 18:00")
  expect(text).toContain("Mia Keller booked Court 1 at Parkside Tennis and named you as a participant.")
  expect(text + html).not.toMatch(/24\.00|Price|Paid/)
})

test("optional fields may be absent", () => {
  const {
    refundAmount: _amount,
    refundStatus: _status,
    ...data
  } = view("booking.cancelled").data as Record<string, unknown>
  const { text } = render("booking-cancelled", { ...view("booking.cancelled"), data })
  expect(text).not.toContain("Refund")
  expect(text).toContain("Reason: Injured")
})

test("a view without a field that the template names is an error, never a gap in a mail", () => {
  expect(() => render("booking-confirmation", { ...view("booking.confirmed"), data: {} })).toThrow(/undefined variable/)
})

test("markup, template code and line breaks in names come out as text on one line", () => {
  const hostile = `</td><script>alert(1)</script>\r\nBcc: victim@example.com\u2028{{ data.bookingId }}\u202e"'&`
  const { subject, short, text, html } = render(
    "booking-confirmation",
    view("booking.confirmed", {
      resourceName: hostile,
      participants: [{ userId: "x", name: hostile, role: "player" }],
    }),
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
