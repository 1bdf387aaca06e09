// Input that does not parse: a 422 names each fault by its place, and nothing is written.

import { afterAll, beforeAll, expect, test } from "bun:test"
import { type TestApi, testApi } from "#test/harness/api/api.ts"
import { password } from "#test/harness/api/over-api.ts"

let api: TestApi
let facilityId: string
let admin: { id: string; token: string }

beforeAll(async () => {
  api = await testApi()
  facilityId = await api.facility()
  admin = await api.person("facility_admin", facilityId)
})
afterAll(() => api.database.drop())

const user = { email: "new@example.com", password, firstName: "Mia", lastName: "Keller" }
const facility = { name: "Parkside", timezone: "Europe/Berlin", currency: "EUR" }
const court = { name: "Court 1", resourceType: "court", hourlyPrice: 2400 }
const hours = (day: unknown) => ({ ...facility, openingHours: { monday: day } })
const role = { role: "staff", scopeType: "facility", scopeId: "01994a3e-7c00-7a10-8f3e-1c5d0a9b2e01" }
const long = (length: number) => "x".repeat(length)

const cases: [what: string, path: string, body: unknown, faults: [path: string, message: string][]][] = [
  ["a body that is no object", "/v1/users", [], [["body", "Expected object"]]],
  ["a body of null", "/v1/users", null, [["body", "Expected object"]]],
  [
    "no fields at all",
    "/v1/users",
    {},
    [
      ["body.email", "Missing key"],
      ["body.password", "Missing key"],
      ["body.firstName", "Missing key"],
      ["body.lastName", "Missing key"],
    ],
  ],
  ["an unknown field", "/v1/users", { ...user, isAdmin: true }, [["body.isAdmin", "Expected no excess property"]]],
  ["a text that is a number", "/v1/users", { ...user, firstName: 7 }, [["body.firstName", "Expected string"]]],
  ["an address without @", "/v1/users", { ...user, email: "mia" }, [["body.email", "Expected an e-mail address"]]],
  ["two addresses", "/v1/users", { ...user, email: "a@x.de,b@x.de" }, [["body.email", "Expected an e-mail address"]]],
  [
    "an address of 255 characters",
    "/v1/users",
    { ...user, email: `${long(243)}@example.com` },
    [["body.email", "Expected text of at most 254 characters"]],
  ],
  [
    "a password of 7 characters",
    "/v1/users",
    { ...user, password: "1234567" },
    [["body.password", "Expected text of at least 8 characters"]],
  ],
  [
    "a password of 129 characters",
    "/v1/users",
    { ...user, password: long(129) },
    [["body.password", "Expected text of at most 128 characters"]],
  ],
  [
    "a name of spaces",
    "/v1/users",
    { ...user, firstName: "  " },
    [["body.firstName", "Expected text that is not empty and does not begin or end with space"]],
  ],
  [
    "a name of 201 characters",
    "/v1/users",
    { ...user, firstName: long(201) },
    [["body.firstName", "Expected text of at most 200 characters"]],
  ],
  [
    "a name of two lines",
    "/v1/users",
    { ...user, firstName: "Mia\nKeller" },
    [["body.firstName", "Expected one line of text without control or invisible characters"]],
  ],
  [
    "a name that turns what follows around",
    "/v1/users",
    { ...user, lastName: "\u202eKeller" },
    [["body.lastName", "Expected one line of text without control or invisible characters"]],
  ],
  [
    "a name with an invisible character",
    "/v1/users",
    { ...user, lastName: "Kel\u200bler" },
    [["body.lastName", "Expected one line of text without control or invisible characters"]],
  ],
  [
    "a field that would be the prototype",
    ":facility/resources",
    JSON.parse('{"__proto__":{"hourlyPrice":1},"name":"Court 1","resourceType":"court"}'),
    [["body.__proto__", "Expected no excess property"]],
  ],
  [
    "a name with NUL",
    "/v1/users",
    { ...user, firstName: "Mia\u0000" },
    [["body.firstName", "Expected text without NUL and without lone surrogates"]],
  ],
  [
    "a name with a lone surrogate",
    "/v1/users",
    { ...user, firstName: "Mia\ud800" },
    [["body.firstName", "Expected text without NUL and without lone surrogates"]],
  ],
  [
    "a field name with NUL",
    "/v1/users",
    { ...user, "a\u0000": 1 },
    [["body", "Expected names without NUL and without lone surrogates"]],
  ],
  [
    "a facility that is no id",
    "/v1/users",
    { ...user, facilityId: "riverside" },
    [["body.facilityId", "Expected a UUID"]],
  ],
  [
    "an unknown source",
    "/v1/users",
    { ...user, registrationSource: "tv" },
    [["body.registrationSource", 'Expected "web" | "mobile" | "admin" | "invitation"']],
  ],
  ["a sign-in without a password", "/v1/sessions", { email: user.email }, [["body.password", "Missing key"]]],
  [
    "an unknown time zone",
    "/v1/facilities",
    { ...facility, timezone: "Mars/Olympus" },
    [["body.timezone", "Expected an IANA time zone such as Europe/Berlin"]],
  ],
  [
    "an offset for a time zone",
    "/v1/facilities",
    { ...facility, timezone: "+02:00" },
    [["body.timezone", "Expected an IANA time zone such as Europe/Berlin"]],
  ],
  [
    "an unknown currency",
    "/v1/facilities",
    { ...facility, currency: "ZZZ" },
    [["body.currency", "Expected an ISO 4217 code such as EUR"]],
  ],
  [
    "an unknown weekday",
    "/v1/facilities",
    { ...facility, openingHours: { Monday: [] } },
    [["body.openingHours.Monday", "Expected no excess property"]],
  ],
  [
    "a time that is none",
    "/v1/facilities",
    hours([{ open: "7:00", close: "22:00" }]),
    [["body.openingHours.monday.0.open", 'Expected a time such as "07:30"']],
  ],
  [
    "hours that end before they start",
    "/v1/facilities",
    hours([{ open: "22:00", close: "07:00" }]),
    [["body.openingHours.monday.0.close", `must be after open (22:00); a night goes on with the next day's "00:00"`]],
  ],
  [
    "hours that overlap",
    "/v1/facilities",
    hours([
      { open: "07:00", close: "12:00" },
      { open: "11:00", close: "14:00" },
    ]),
    [["body.openingHours.monday.1.open", "must not be before 12:00, where the interval before it closes"]],
  ],
  [
    "a slot of 4 minutes",
    "/v1/facilities",
    { ...facility, slotMinutes: 4 },
    [["body.slotMinutes", "Expected a value between 5 and 1440"]],
  ],
  [
    "a hold of half a minute",
    "/v1/facilities",
    { ...facility, holdMinutes: 0.5 },
    [
      ["body.holdMinutes", "Expected an integer"],
      ["body.holdMinutes", "Expected a value between 1 and 1440"],
    ],
  ],
  [
    "a sport twice",
    "/v1/facilities",
    { ...facility, sportTypes: ["tennis", "tennis"] },
    [["body.sportTypes", "Expected an array with unique items"]],
  ],
  [
    "a negative price",
    ":facility/resources",
    { ...court, hourlyPrice: -1 },
    [["body.hourlyPrice", "Expected a value between 0 and 1000000000000"]],
  ],
  [
    "a price beyond bigint",
    ":facility/resources",
    { ...court, hourlyPrice: 1e19 },
    [
      ["body.hourlyPrice", "Expected an integer"],
      ["body.hourlyPrice", "Expected a value between 0 and 1000000000000"],
    ],
  ],
  [
    "a price in text",
    ":facility/resources",
    { ...court, hourlyPrice: "2400" },
    [["body.hourlyPrice", "Expected number"]],
  ],
  [
    "a key for an owner",
    ":facility/api-keys",
    { name: "Till", role: "facility_owner" },
    [["body.role", 'Expected "facility_admin" | "staff"']],
  ],
  [
    "an unknown role",
    ":user/roles",
    { ...role, role: "king" },
    [
      [
        "body.role",
        'Expected "platform_admin" | "facility_owner" | "facility_admin" | "staff" | "coach" | "player" | "parent"',
      ],
    ],
  ],
]

for (const [what, path, body, faults] of cases) {
  test(`${what} is refused, and the answer names its place`, async () => {
    const before = await api.rows()
    const address = path.replace(":facility", `/v1/facilities/${facilityId}`).replace(":user", `/v1/users/${admin.id}`)
    const answer = await api.call("POST", address, { body })
    expect(answer.headers.get("content-type")).toBe("application/problem+json")
    expect({ status: answer.status, body: answer.body }).toEqual({
      status: 422,
      body: {
        type: "urn:slotbase:problem:invalid_input",
        title: "Invalid input",
        status: 422,
        detail: "The request is not valid.",
        code: "invalid_input",
        errors: faults.map(([path, message]) => ({ path, message })),
      },
    })
    expect(await api.rows()).toEqual(before)
  })
}

test("a settings change of an unknown or fixed setting is refused and changes nothing", async () => {
  const before = await api.rows()
  for (const setting of ["ownerId", "version", "id", "colour"]) {
    const path = `/v1/facilities/${facilityId}/settings`
    const answer = await api.call("PATCH", path, { body: { name: "Other", [setting]: "x" } })
    expect(answer.status).toBe(422)
    expect(answer.body.errors).toEqual([{ path: `body.${setting}`, message: "Expected no excess property" }])
  }
  expect(await api.rows()).toEqual(before)
  expect((await api.call("GET", `/v1/facilities/${facilityId}`)).body.name).toBe("Riverside")
})

for (const [query, fault] of [
  ["limit=0", ["query.limit", "Expected a whole number from 1 to 200"]],
  ["limit=201", ["query.limit", "Expected a whole number from 1 to 200"]],
  ["limit=ten", ["query.limit", "Expected a whole number from 1 to 200"]],
  ["limit=", ["query.limit", "Expected a whole number from 1 to 200"]],
  ["after=abc", ["query.after", "Expected the `next` of an earlier page of this list"]],
  ["after=%00", ["query.after", "Expected text without NUL and without lone surrogates"]],
  [
    `after=${cursor(["a\u0000", "01994a3e-7c00-7a10-8f3e-1c5d0a9b2e01"])}`,
    ["query.after", "Expected the `next` of an earlier page of this list"],
  ],
  [`after=${cursor(["a", "1; drop table"])}`, ["query.after", "Expected the `next` of an earlier page of this list"]],
  ["page=2", ["query.page", "Expected no excess property"]],
  ["limit=1&limit=2", ["query.limit", "Expected one value"]],
  ["__proto__=1", ["query.__proto__", "Expected no excess property"]],
  ["limit=01", ["query.limit", "Expected a whole number from 1 to 200"]],
] as const) {
  test(`the query ${decodeURI(query).replace("\u0000", "NUL")} is refused`, async () => {
    const answer = await api.call("GET", `/v1/facilities/${facilityId}/resources?${query}`)
    expect(answer.status).toBe(422)
    expect(answer.body.errors).toEqual([{ path: fault[0], message: fault[1] }])
  })
}

function cursor(key: unknown) {
  return Buffer.from(JSON.stringify(key)).toString("base64url")
}
