// The audit trail is complete. Each request of staff that changes something is recorded, or stands in a short list with
// its reason. What a route declares, its command writes.

import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { createServer } from "#api/server.ts"
import { keepable } from "#events/audit-values.ts"
import { sellerSettings } from "#test/harness/club/invoices.ts"
import { testApp } from "#test/harness/setup/app.ts"
import { callsOf, verdictOf } from "./authorization/engine.ts"
import { matrix } from "./authorization/matrix.ts"
import type { Row } from "./authorization/row.ts"
import { makeWorld, type World } from "./authorization/scene.ts"

const f = "/v1/facilities/:facilityId"

/** Requests without a row, each with its reason. */
const unrecorded: Readonly<Record<string, string>> = {
  "POST /v1/users": "open to everybody; user.created names the person",
  "POST /v1/me/notifications/read": "marks one's own messages as read",
  "POST /v1/password-resets": "open to everybody; using the link is recorded",
  [`POST ${f}/lost-items`]: "everybody reports; the report names its author",
  [`POST ${f}/holds`]: "lasts minutes; booking.hold.created names its actor",
  [`POST ${f}/holds/:bookingId/extend`]: "lasts minutes; booking.hold.extended names its actor",
  [`DELETE ${f}/holds/:bookingId`]: "gives back what would lapse; booking.hold.released names its actor",
  [`POST ${f}/bookings`]: "booking.confirmed names its actor; the command records one that was waived or discounted",
  [`POST ${f}/bookings/:bookingId/check-in`]: "booking.checked_in names its actor",
  [`POST ${f}/waitlist`]: "a wish, and takes nothing; waitlist.joined names its actor",
  [`POST ${f}/coach-blocks`]: "coach.block.requested names its actor; staff decide about it in a request of its own",
  [`POST ${f}/coach-sessions`]: "its booking's event names its actor",
  [`POST ${f}/webhooks/body-preview`]: "shows a body, and changes nothing",
  [`POST ${f}/message-templates/:templateId/preview`]: "shows a message, and changes nothing",
  [`POST ${f}/subscription/upgrade-prompts/:promptId/dismiss`]: "puts away a notice, and changes nothing",
  [`POST ${f}/feedback/:feedbackId/uploads`]: "begins an upload; the part that makes it whole is recorded",
  [`POST ${f}/calendar-consents`]: "leads to a provider's page; connecting a calendar with the consent is recorded",
  [`OPTIONS ${f}/feedback/:feedbackId/uploads`]: "says what is spoken of tus, and changes nothing",
  [`OPTIONS ${f}/uploads/:uploadId`]: "says what is spoken of tus, and changes nothing",
  [`POST ${f}/calendar-syncs/:id/sync`]: "looks at a calendar sooner, and changes nothing",
  [`POST ${f}/webhooks/preview`]: "counts what would match, and changes nothing",
}

const may = /[POASK]/

/** The messages of the law. */
function faultsOf(
  rows: readonly Row[],
  declared: ReadonlySet<string>,
  exceptions: Readonly<Record<string, string>>,
): string[] {
  const needed = rows
    .filter(([route, letters]) => !route.startsWith("GET ") && may.test(letters))
    .map(([route]) => route)
  return [
    ...needed
      .filter((route) => !declared.has(route) && !Object.hasOwn(exceptions, route))
      .map((route) => `${route} changes something, and leaves no row in the audit trail`),
    ...Object.keys(exceptions)
      .filter((route) => declared.has(route) || !needed.includes(route))
      .map((route) => `${route} is an exception that is not needed`),
  ]
}

interface Change {
  readonly body: unknown
  readonly before: unknown
  readonly after: unknown
}

interface Declared {
  readonly method: string
  readonly path: string
  readonly hooks: { readonly detail?: { readonly "x-audited"?: string } }
}

let world: World
let declared: Map<string, string>

beforeAll(async () => {
  world = await makeWorld()
  const routes = createServer(testApp(world.api.database.db)).routes as unknown as readonly Declared[]
  declared = new Map(
    routes.flatMap(({ method, path, hooks }) => {
      const action = hooks?.detail?.["x-audited"]
      return action === undefined ? [] : [[`${method} ${path}`, action]]
    }),
  )
})
afterAll(() => world.api.database.drop())

describe("every request that staff may make and that changes something is recorded, or has a reason not to be", () => {
  test("holds in this project", () => {
    expect(faultsOf(matrix, new Set(declared.keys()), unrecorded)).toEqual([])
  })

  test("and docs/audit.md names the same requests with the same reasons", async () => {
    const page = await Bun.file(new URL("../../docs/audit.md", import.meta.url)).text()
    const listed = [...page.matchAll(/^\| `([A-Z]+ .*)` \| (.*) \|$/gm)]
      .filter(([, request = ""]) => !request.startsWith("GET "))
      .map(([, request = "", because]) => [request.replaceAll(/\{(\w+)\}/g, ":$1"), because])
    expect(Object.fromEntries(listed)).toEqual(unrecorded)
  })

  test("catches a route that was forgotten, and a reason that is not needed", () => {
    const rows: Row[] = [
      ["POST /v1/a", "POA"],
      ["GET /v1/b", "POA"],
      ["POST /v1/c", "M"],
      ["DELETE /v1/d", "P"],
      ["POST /v1/e", "K"],
    ]
    expect(faultsOf(rows, new Set(["DELETE /v1/d"]), { "POST /v1/e": "a reason", "POST /v1/c": "none" })).toEqual([
      "POST /v1/a changes something, and leaves no row in the audit trail",
      "POST /v1/c is an exception that is not needed",
    ])
  })
})

describe("a request leaves the row that its route declares", () => {
  // A smallest body may change nothing, and then there is no row: the tests of the commands send others.
  const changesNothing = [
    "POST /v1/users/:id/roles",
    "DELETE /v1/me/sessions",
    `POST ${f}/api-keys/:id/transfer`,
    // The new webhook is active.
    `POST ${f}/webhooks/:id/resume`,
  ]
  const tried = matrix.filter(
    ([route, letters, { meets, signsOut } = {}]) =>
      !route.startsWith("GET ") && letters !== "" && !meets && !signsOut && !changesNothing.includes(route),
  )
  const unsaid = { before: null, after: null }
  const racket = { id: "racket", label: "Do you need a racket?", type: "yes_no", required: false }
  const unset = Object.fromEntries(Object.keys(sellerSettings).map((name) => [name, null]))
  const newSeller = {
    body: { ...sellerSettings, numberPrefix: "RE" },
    before: { ...unset, numberPrefix: "INV" },
    after: { ...sellerSettings, numberPrefix: "RE" },
  }
  const newAddress = { name: "Keller GmbH", street: "Seestrasse 8", postcode: "8002", city: "Zürich", country: "CH" }
  // Their body changes a setting of what is there: the row says the values before and after.
  const changes: Readonly<Record<string, Change>> = {
    "PATCH /v1/me": {
      body: { lastName: "Brandt" },
      before: { lastName: "Keller" },
      after: { lastName: "Brandt" },
    },
    [`PATCH ${f}/calendar-syncs/:id`]: {
      body: { syncStatus: "paused" },
      before: { syncStatus: "active" },
      after: { syncStatus: "paused" },
    },
    "PATCH /v1/users/:id": {
      body: { firstName: "Lea" },
      before: { firstName: "Mia" },
      after: { firstName: "Lea" },
    },
    "PUT /v1/me/phone": {
      body: { number: "+4915112345678" },
      before: null,
      after: { wanted: "+4915112345678" },
    },
    "PUT /v1/me/message-preferences": {
      body: { switches: [{ type: "*", channel: "sms", enabled: true }], quietHours: null },
      before: {},
      after: { "* sms": true },
    },
    [`PATCH ${f}/members/:userId`]: { body: { phone: "079" }, before: { phone: null }, after: { phone: "079" } },
    [`PATCH ${f}/webhooks/:id`]: { body: { isActive: false }, before: { isActive: true }, after: { isActive: false } },
    [`PATCH ${f}/settings`]: { body: { holdMinutes: 7 }, before: { holdMinutes: 5 }, after: { holdMinutes: 7 } },
    [`PATCH ${f}/resources/:id`]: {
      body: { hourlyPrice: 2600 },
      before: { hourlyPrice: 2400 },
      after: { hourlyPrice: 2600 },
    },
    [`PUT ${f}/booking-policy`]: { body: { noShowFee: 900 }, before: { noShowFee: 0 }, after: { noShowFee: 900 } },
    [`PUT ${f}/invoice-settings`]: newSeller,
    "PUT /v1/invoice-settings": newSeller,
    [`PUT ${f}/billing-accounts/:billingAccountId/invoice-address`]: {
      body: newAddress,
      before: null,
      after: newAddress,
    },
    [`PUT ${f}/booking-questions`]: {
      body: { questions: [racket] },
      before: { questions: [] },
      after: { questions: [racket] },
    },
    [`PATCH ${f}/bookings/:bookingId`]: {
      body: { title: "Training" },
      before: null,
      after: { changed: ["title"] },
    },
    [`PUT ${f}/reminder-settings`]: {
      body: { remind24h: true, remind1h: true, customMinutes: 90 },
      before: { customMinutes: null },
      after: { customMinutes: 90 },
    },
    [`PUT ${f}/agent-settings`]: {
      body: { whoseWords: "adults", monthlyBudget: 1_000 },
      before: { monthlyBudget: 200_000 },
      after: { monthlyBudget: 1_000 },
    },
    [`PUT ${f}/message-templates/:templateId`]: {
      body: { language: "de", heading: "Bis bald" },
      before: {},
      after: { "de heading": "Bis bald" },
    },
    [`PUT ${f}/coaches/:userId`]: {
      body: { sports: ["tennis"] },
      before: { sports: [] },
      after: { sports: ["tennis"] },
    },
    // No settings: the bookings' own events say the times, and what is said about a player is kept in one place.
    [`PATCH ${f}/recurring-bookings/:recurringBookingId`]: { body: { scope: "all", durationMinutes: 45 }, ...unsaid },
    [`PATCH ${f}/feedback/:feedbackId`]: { body: { text: "Step in." }, ...unsaid },
  }

  test("every PUT and PATCH that is tried changes something", () => {
    const replacing = tried.map(([route]) => route).filter((route) => /^(PUT|PATCH) /.test(route))
    expect(replacing.toSorted()).toEqual(Object.keys(changes).toSorted())
  })

  for (const row of tried) {
    const [route] = row
    test(route, async () => {
      const action = declared.get(route)
      if (action === undefined) return expect(Object.keys(unrecorded)).toContain(route)
      const [method = "", path = ""] = route.split(" ")
      const call = callsOf(row).find(({ caller, expected }) => expected === "may" && "PO".includes(caller))
      if (!call) throw new Error(`nobody may ${route}`)
      const change = changes[route]
      const sent: Row = change ? [route, row[1], { ...row[2], body: () => change.body }] : row
      const { found, succeeded } = await verdictOf(world, sent, call, new Map())
      expect({ found, succeeded }).toEqual({ found: "may", succeeded: true })
      const rows = await world.api.database.db<{ action: string; before: unknown; after: unknown }[]>`
        select action, before, after from slotbase.audit_log where method = ${method} and route = ${path}`
      expect(rows.map((each) => each.action)).toContain(action)
      if (change) expect([...rows]).toEqual([{ action, before: change.before, after: change.after }])
    })
  }

  test("and every field that the API's document marks as a password is a secret to the trail", () => {
    const names = new Set<string>()
    const walk = (value: unknown): void => {
      if (typeof value !== "object" || value === null) return
      for (const [name, inner] of Object.entries(value)) {
        if ((inner as { format?: unknown } | null)?.format === "password") names.add(name)
        walk(inner)
      }
    }
    walk(world.document)
    expect([...names]).toContain("password")
    for (const name of names) expect(keepable({ [name]: "shh" })).toEqual({ [name]: "[secret]" })
  })

  test("and no row holds a secret of this world", async () => {
    const rows = await world.api.database.db<
      { whole: string }[]
    >`select to_jsonb(a)::text as whole from slotbase.audit_log a`
    const text = rows.map(({ whole }) => whole).join("\n")
    expect(rows.length).toBeGreaterThan(40)
    for (const secret of [
      ...Object.values(world.tokens),
      world.credentials.password,
      "sbk_",
      "sbs_",
      "whsec_",
      "tok_visa",
    ])
      if (secret !== null) expect(text.replaceAll(/"keyHint": "sbk_[\w-]{6}"/g, "")).not.toContain(secret)
  })
})
