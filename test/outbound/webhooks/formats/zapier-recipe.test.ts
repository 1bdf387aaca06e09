// The recipe of docs/receivers.md: the specification's mapping to a row of a spreadsheet, applied to the sample.

import { expect, test } from "bun:test"
import { join } from "node:path"
import { Liquid } from "liquidjs"
import { samplesEvent } from "#events/describe.ts"
import { example } from "#events/example.ts"
import { zapierBody } from "#outbound/webhooks/formats/zapier.ts"

// Copied from the specification, "Zapier/Make Integration".
const mapping = {
  "Booking ID": "{{data.bookingId}}",
  "Customer Name": "{{data.bookerName}}",
  "Customer Email": "{{data.bookerEmail}}",
  Court: "{{data.resourceName}}",
  Date: '{{data.startAt | date: "%Y-%m-%d"}}',
  Time: '{{data.startAt | date: "%H:%M"}}',
  Amount: "{{data.priceAmount}}",
}
const row = {
  "Booking ID": example.bookingId,
  "Customer Name": "Mia Keller",
  "Customer Email": "mia.keller@example.com",
  Court: "Court 1",
  Date: "2026-03-12",
  Time: "18:00",
  Amount: "2400",
}

test("the specification's mapping makes the row of the recipe, in the time zone of the booking", async () => {
  const { body } = zapierBody(samplesEvent("booking.confirmed"), {
    id: example.facilityId,
    name: "Riverside",
    timezone: "Europe/Berlin",
  })
  const payload = JSON.parse(body)
  const engine = new Liquid({ strictVariables: true, timezoneOffset: payload.data.timezone })
  const cells = Object.entries(mapping).map(([name, template]) => [name, engine.parseAndRenderSync(template, payload)])
  expect(Object.fromEntries(cells)).toEqual(row)
  const page = await Bun.file(join(import.meta.dir, "../../../../docs/receivers.md")).text()
  for (const name of Object.keys(mapping) as (keyof typeof mapping)[])
    expect(page).toContain(`| ${name} | \`${mapping[name].replace("|", "\\|")}\` | ${row[name]} |`)
})

test("the payload has the fields of the specification in their order, and no others", () => {
  const event = {
    ...samplesEvent("booking.confirmed"),
    data: { nested: { zero: 0, no: false, empty: "", none: null } },
  }
  const facility = { id: example.facilityId, name: "Zum „Ball“ 🎾", timezone: "Europe/Berlin" }
  const { body } = zapierBody(event, facility)
  expect(body).toBe(
    `{"event_type":"booking.confirmed","timestamp":"${event.timestamp}",` +
      `"facility":{"id":"${example.facilityId}","name":"Zum „Ball“ 🎾"},` +
      '"data":{"nested":{"zero":0,"no":false,"empty":"","none":null}}}',
  )
})
