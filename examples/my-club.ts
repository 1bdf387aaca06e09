/**
 * A club's own file, for SLOTBASE_EXTENSIONS=./examples/my-club.ts: it opens the gate for a booking, counts visits in a
 * table of its own, and refuses bookings on Mondays. test/whole/story/own-file.test.ts runs it.
 *
 * create schema my_club;
 * create table my_club.visits (user_id uuid primary key, visits integer not null);
 */
import type { Extension } from "slotbase/extension"

export const handlers: Extension["handlers"] = [
  {
    name: "GateHandler",
    events: ["booking.confirmed", "booking.cancelled"],
    retry: { maxRetries: 8, delayMs: 500, maxDelayMs: 30_000, backoffMultiplier: 2 },
    async handle(event, { fetch, idempotencyKey, giveUp }) {
      const gate = process.env.MY_CLUB_GATE_URL
      if (gate === undefined) return { skipped: "MY_CLUB_GATE_URL is not set" }
      const { status, body } = await fetch(gate, {
        method: "POST",
        headers: { "Content-Type": "application/json", "Idempotency-Key": idempotencyKey },
        body: JSON.stringify({ booking: event.data, opens: event.type === "booking.confirmed" }),
      })
      if (status === 422) giveUp(`The gate does not take it: ${body}`)
      if (status >= 300) throw new Error(`The gate answered ${status}`)
    },
  },
  {
    // Its row and the end of its run commit together: each visit counts once.
    name: "VisitsHandler",
    kind: "transactional",
    events: ["booking.checked_in"],
    async handle(event, { sql }) {
      if (event.type !== "booking.checked_in") return
      await sql`
        insert into my_club.visits as v (user_id, visits) values (${event.data.userId}, 1)
        on conflict (user_id) do update set visits = v.visits + 1`
    },
  },
]

export const hooks: Extension["hooks"] = {
  "before:booking.create": ({ startAt }) =>
    new Date(startAt).getUTCDay() === 1 ? { block: "We rest on Mondays." } : undefined,
  "after:booking.confirmed": async ({ data }) => console.log(`Confirmed: ${data.resourceName} at ${data.startAt}`),
}
