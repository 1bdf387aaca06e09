// The members of a facility: found, listed, described, imported from a file, and invited to an account.

import { afterAll, beforeAll, expect, test } from "bun:test"
import { markUndeliverable } from "#domain/people/undeliverable.ts"
import { type TestApi, testApi } from "#test/harness/api/api.ts"
import { mailsOf } from "#test/harness/club/account-mail.ts"
import { recordedBy, type SignedIn, signedIn, verdict } from "#test/harness/club/people.ts"

let api: TestApi
let facilityId: string
let admin: SignedIn
let staff: SignedIn

beforeAll(async () => {
  api = await testApi()
  facilityId = await api.facility()
  admin = await signedIn(api, "facility_admin", facilityId)
  staff = await signedIn(api, "staff", facilityId)
})
afterAll(() => api.database.drop())

const call = (method: string, path: string, body?: object, by: SignedIn = staff, id = facilityId) =>
  api.call(method, `/v1/facilities/${id}/members${path}`, { token: by.token, ...(body && { body }) })
const load = (csv: string, more: object = {}, id = facilityId, by = admin) =>
  call("POST", "/import", { csv, ...more }, by, id)
const names = async (query: string) =>
  (await call("GET", `?${query}`)).body.data.map(
    (each: { firstName: string; lastName: string }) => `${each.firstName} ${each.lastName}`,
  )
const count = async () => (await api.database.db`select from slotbase.users`).length

test("a file of members is imported: each line has its outcome, and phone, post code and number stay text", async () => {
  const csv = [
    "Last name;first_name;E-MAIL;phone;postalCode;Member-Number",
    "Müller;Äda;Ada@Example.com;0041 44 123;08001;0007",
    '"Smith; jun.";Bob;;;;8',
    ";Nobody;x@example.com;;;9",
    "Bad;Mail;no address;;;10",
    "Twice;Tom;;;;0007",
  ].join("\r\n")
  const before = await count()
  const dry = await load(csv, { dryRun: true })
  expect(dry.body).toMatchObject({ dryRun: true, delimiter: ";", created: 2, existing: 0, refused: 3, invited: 0 })
  expect(dry.body.lines[0]).toEqual({ line: 2, status: "created", userId: null, invited: false, faults: [] })
  expect(await count()).toBe(before)

  const answer = await load(csv)
  expect(verdict(answer)).toBe("200")
  expect(answer.body.columns).toEqual(["lastName", "firstName", "email", "phone", "postalCode", "memberNumber"])
  const [ada, bob, ...refused] = answer.body.lines
  expect([ada.status, bob.status]).toEqual(["created", "created"])
  expect(refused).toEqual([
    {
      line: 4,
      status: "refused",
      userId: null,
      invited: false,
      faults: [{ column: "lastName", message: "Expected a value" }],
    },
    {
      line: 5,
      status: "refused",
      userId: null,
      invited: false,
      faults: [{ column: "email", message: "Expected an e-mail address" }],
    },
    {
      line: 6,
      status: "refused",
      userId: null,
      invited: false,
      faults: [{ column: "memberNumber", message: "is that of line 2" }],
    },
  ])
  expect((await recordedBy(api, answer.headers)).map(({ type }) => type).sort()).toEqual([
    "members.imported",
    "user.created",
    "user.created",
  ])
  expect((await call("GET", `/${ada.userId}`)).body).toEqual({
    userId: ada.userId,
    facilityId,
    firstName: "Äda",
    lastName: "Müller",
    email: "ada@example.com",
    memberNumber: "0007",
    phone: "0041 44 123",
    postalCode: "08001",
    roles: ["player"],
    account: "walk_in",
    since: expect.any(String),
    undeliverable: null,
  })
  expect((await call("GET", `/${bob.userId}`)).body.lastName).toBe("Smith; jun.")

  const again = await load(csv)
  expect(again.body).toMatchObject({ created: 0, existing: 2, refused: 3 })
  expect(again.body.lines[0].userId).toBe(ada.userId)
  expect(again.headers.get("x-slotbase-event-ids") ?? "").toBe("")
})

test.each([
  ["a comma", "firstName,lastName\nEva,Berg", ","],
  ["a semicolon with two columns", "firstName;lastName\nEva;Berg, née Tal", ";"],
  ["a tab", "firstName\tlastName\nEva\tBerg", "\t"],
  ["a bar", "firstName|lastName\nEva|Berg", "|"],
])("the delimiter is found by the column names: %s", async (_, csv, delimiter) => {
  expect((await load(csv, { dryRun: true })).body).toMatchObject({ delimiter, created: 1, refused: 0 })
})

test.each([
  ["no column names", "Eva,Berg", {}, "csv_columns_unknown"],
  ["an unknown column", "firstName,lastName,shoe\nEva,Berg,42", {}, "csv_columns_unknown"],
  ["a column twice", "firstName,lastName,firstName\nEva,Berg,Eva", {}, "csv_columns_unknown"],
  ["another delimiter than asked for", "firstName,lastName\nEva,Berg", { delimiter: ";" }, "csv_columns_unknown"],
  ["nothing", "", {}, "csv_columns_unknown"],
  ["a quote that never ends", 'firstName,lastName\n"Eva,Berg', {}, "csv_unreadable"],
  ["too many lines", `firstName,lastName\n${"A,B\n".repeat(2_001)}`, {}, "csv_too_long"],
])("%s is refused, and nothing is written", async (_, csv, more, code) => {
  const before = await count()
  expect(verdict(await load(csv, more))).toBe(`422 ${code}`)
  expect(await count()).toBe(before)
})

test("a file that begins with a byte order mark is read, and a line with an invisible sign is refused alone", async () => {
  const csv = "\ufefffirstName,lastName\nEva,Berg\nE\u200bva,Berg"
  const { body } = await load(csv, { dryRun: true })
  expect(body).toMatchObject({ columns: ["firstName", "lastName"], created: 1, refused: 1 })
  expect(body.lines[1].faults).toEqual([
    { column: "firstName", message: "Expected one line of at most 200 visible characters" },
  ])
})

test("a line with a value beyond the last column is refused, and empty fields there are nothing", async () => {
  const { body } = await load("lastName,firstName,phone\nSmith, jun.,Bob,079\nBerg,Eva,079,,", { dryRun: true })
  expect(body.lines.map(({ faults }: { faults: unknown }) => faults)).toEqual([
    [{ column: "field 4", message: "stands beyond the last column" }],
    [],
  ])
})

test("a line with the address of one member and a number of its own is refused, so that no child is lost", async () => {
  const club = await api.facility()
  const by = await signedIn(api, "facility_admin", club)
  const head = "firstName,lastName,email,memberNumber\n"
  const [mother] = (await load(`${head}Mia,Berg,berg@example.org,1`, {}, club, by)).body.lines
  const { body } = await load(`${head}Kim,Berg,berg@example.org,2\nMia,Berg,new@example.org,1`, {}, club, by)
  expect(body.lines).toEqual([
    {
      line: 2,
      status: "refused",
      userId: null,
      invited: false,
      faults: [{ column: "email", message: "is that of the member with the number 1" }],
    },
    { line: 3, status: "exists", userId: mother.userId, invited: false, faults: [] },
  ])
})

test("the number of somebody who left is free again, for an import and for another member", async () => {
  const club = await api.facility()
  const by = await signedIn(api, "facility_admin", club)
  const csv = "firstName,lastName,memberNumber\nLea,Gone,7"
  const leave = async ({ userId }: { userId: string }) => {
    const role = `role=player&scopeType=facility&scopeId=${club}`
    expect((await api.call("DELETE", `/v1/users/${userId}/roles?${role}`, { token: by.token })).status).toBe(204)
  }
  await leave((await load(csv, {}, club, by)).body.lines[0])
  const again = await load(csv, {}, club, by)
  expect([verdict(again), again.body.created]).toEqual(["200", 1])
  await leave(again.body.lines[0])
  const other = (await load("firstName,lastName\nTom,Stays", {}, club, by)).body.lines[0]
  const taken = await call("PATCH", `/${other.userId}`, { memberNumber: "7" }, by, club)
  expect([verdict(taken), taken.body.memberNumber]).toEqual(["200", "7"])
})

test("an import beyond the plan is refused whole, a dry run says so, and the last place is used by one of two", async () => {
  const { db } = api.database
  await db`
    insert into slotbase.subscription_plans (id, name, rank, trial_days, bookings_per_month, active_users, resources, coaches)
    values ('pair', 'Pair', 0, 0, null, 3, 1, 1)`
  await db`
    insert into slotbase.plan_prices (plan_id, currency, monthly_amount, annual_amount)
    select 'pair', currency, 1000, 10000 from slotbase.plan_prices where plan_id = 'starter'`
  const club = await api.facility()
  const by = await signedIn(api, "facility_admin", club)
  const plan = { planId: "pair", billingCycle: "monthly" }
  await api.call("POST", `/v1/facilities/${club}/subscription`, { token: by.token, body: plan })
  const guests = (...names: string[]) => `firstName,lastName\n${names.map((name) => `${name},Guest`).join("\n")}`
  const before = await api.rows()
  for (const dryRun of [true, false]) {
    expect(verdict(await load(guests("A", "B", "C"), { dryRun }, club, by))).toBe("422 limit_reached")
  }
  expect(await api.rows()).toEqual(before)
  expect(verdict(await load(guests("A"), { dryRun: true }, club, by))).toBe("200")
  expect(await api.rows()).toEqual(before)
  const pairs = await Promise.all([load(guests("A", "B"), {}, club, by), load(guests("C", "D"), {}, club, by)])
  expect(pairs.map(verdict).sort()).toEqual(["200", "422 limit_reached"])
})

test("two thousand lines are one import, and two of one file at once make nobody twice", async () => {
  const club = await api.facility()
  const by = await signedIn(api, "facility_admin", club)
  const csv = `firstName,lastName,email\n${Array.from({ length: 2_000 }, (_, i) => `P${i},Many,p${i}@example.org`).join("\n")}`
  const answers = await Promise.all([load(csv, {}, club, by), load(csv, {}, club, by)])
  expect(answers.map(({ body }) => [body.created, body.existing]).sort()).toEqual([
    [0, 2_000],
    [2_000, 0],
  ])
})

test("staff find members by a part of the name, the address, and the beginning of a number, page by page", async () => {
  expect(await names("q=müll")).toEqual(["Äda Müller"])
  expect(await names(`q=${encodeURIComponent("Müller Ä")}`)).toEqual(["Äda Müller"])
  expect(await names(`q=${encodeURIComponent("Müller, Ä".normalize("NFD"))}`)).toEqual(["Äda Müller"])
  expect(await names("q=ada@ex")).toEqual(["Äda Müller"])
  expect(await names("q=000")).toEqual(["Äda Müller"])
  expect(await names(`q=${encodeURIComponent("%")}`)).toEqual([])
  expect(await names("role=staff")).toHaveLength(1)
  expect(await names("account=walk_in")).toEqual(["Äda Müller", "Bob Smith; jun."])
  const whole = (await call("GET", "")).body.data
  const paged: unknown[] = []
  for (let next: string | null = ""; next !== null; ) {
    const page: { data: unknown[]; next: string | null } = (await call("GET", `?limit=1${next && `&after=${next}`}`))
      .body
    paged.push(...page.data)
    next = page.next
  }
  expect(paged).toEqual(whole)
})

test("staff change what the club keeps, a field that is not named stays, and a number is used once", async () => {
  const [ada, bob] = (await call("GET", "?account=walk_in")).body.data
  const changed = await call("PATCH", `/${ada.userId}`, { phone: "079" })
  expect(changed.body).toEqual({ ...ada, phone: "079" })
  expect(await recordedBy(api, changed.headers)).toMatchObject([
    {
      type: "member.details_changed",
      data: { userId: ada.userId, facilityId, changed: ["phone"], changedBy: staff.id },
    },
  ])
  expect((await call("PATCH", `/${ada.userId}`, { phone: null })).body.phone).toBeNull()
  expect(verdict(await call("PATCH", `/${bob.userId}`, { memberNumber: "0007" }))).toBe("409 member_number_taken")
  expect((await call("PATCH", `/${ada.userId}`, {})).headers.get("x-slotbase-event-ids") ?? "").toBe("")
})

test("staff see an address that takes no mail, clear it, and another address has nothing against it", async () => {
  const guest = (await load("firstName,lastName,email\nRuth,Gone,ruth@gone.example")).body.lines[0].userId
  await markUndeliverable(api.database.db, {
    address: "Ruth@Gone.example",
    facility_id: facilityId,
    id: guest,
    answer: "550 5.1.1 No such user here",
  })
  const dead = { since: expect.any(String), status: "5.1.1", answer: "550 5.1.1 No such user here" }
  expect((await call("GET", `/${guest}`)).body.undeliverable).toEqual(dead)
  expect((await call("GET", "?q=gone")).body.data[0].undeliverable).toEqual(dead)
  expect(verdict(await call("PATCH", `/${guest}`, { undeliverable: "no" }))).toBe("422 invalid_input")

  const cleared = await call("PATCH", `/${guest}`, { undeliverable: null })
  expect(cleared.body.undeliverable).toBeNull()
  expect(await recordedBy(api, cleared.headers)).toMatchObject([{ data: { changed: ["undeliverable"] } }])
  expect((await call("GET", `/${guest}`)).body.undeliverable).toBeNull()

  const about = { facility_id: facilityId, id: guest, answer: "550 5.1.1 No such user here" }
  await markUndeliverable(api.database.db, { ...about, address: "ruth@gone.example" })
  const moved = await call("PATCH", `/${guest}`, { email: "ruth@here.example" })
  expect(moved.body).toMatchObject({ email: "ruth@here.example", undeliverable: null })
})

test("an invited guest sets a password, signs in, and keeps the id that bookings name", async () => {
  const answer = await load("firstName,lastName,email\nIda,Moreau,ida@example.net", { invite: true })
  const { userId, invited } = answer.body.lines[0]
  expect([invited, answer.body.invited]).toEqual([true, 1])
  const [mail] = await mailsOf(api, answer.headers)
  expect(mail?.to).toBe("ida@example.net")
  const used = await api.call("POST", "/v1/account-links/use", {
    body: { token: mail?.token, password: "a harbour in winter" },
  })
  expect(used.status).toBe(200)
  const session = await api.call("POST", "/v1/sessions", {
    body: { email: "ida@example.net", password: "a harbour in winter" },
  })
  expect(session.status).toBe(201)
  expect((await call("GET", `/${userId}`)).body).toMatchObject({ account: "own", email: "ida@example.net" })
  expect(verdict(await call("POST", `/${userId}/invitation`, {}, admin))).toBe("409 has_account")
})

test("staff mend the address of a guest: the link at the wrong one opens nothing, and an account's own stays", async () => {
  const { body } = await load("firstName,lastName,email\nUla,Typo,ula@exmaple.net", { invite: true })
  const guest = body.lines[0].userId
  const [wrong] = await mailsOf(api, (await call("POST", `/${guest}/invitation`, {}, admin)).headers)
  const changed = await call("PATCH", `/${guest}`, { email: "Ula@Example.net" })
  expect([verdict(changed), changed.body.email]).toEqual(["200", "ula@example.net"])
  expect(await recordedBy(api, changed.headers)).toMatchObject([
    { type: "member.details_changed", data: { userId: guest, changed: ["email"] } },
  ])
  const use = { token: wrong?.token, password: "a harbour in winter" }
  expect(verdict(await api.call("POST", "/v1/account-links/use", { body: use }))).toBe("422 link_not_valid")
  const [right] = await mailsOf(api, (await call("POST", `/${guest}/invitation`, {}, admin)).headers)
  expect(right?.to).toBe("ula@example.net")
  expect((await call("PATCH", `/${guest}`, { email: null })).body.email).toBeNull()
  expect((await call("GET", `/${guest}`)).body).toMatchObject({ email: null, lastName: "Typo" })

  const member = await signedIn(api, "player", facilityId)
  const before = await api.rows()
  const refused = await call("PATCH", `/${member.id}`, { email: "taken@example.net", phone: "1" })
  expect(verdict(refused)).toBe("409 has_account")
  expect(await api.rows()).toEqual(before)
})

test("a guest is not invited over and over", async () => {
  const narrow = await testApi({ requestsPerSecond: 100 })
  const club = await narrow.facility()
  const { token } = await signedIn(narrow, "facility_admin", club)
  const at = `/v1/facilities/${club}`
  const guest = { firstName: "Ina", lastName: "Box", email: "ina@example.net" }
  const { id } = (await narrow.call("POST", `${at}/walk-ins`, { token, body: guest })).body
  const verdicts: string[] = []
  for (let i = 0; i < 7; i++) {
    verdicts.push(verdict(await narrow.call("POST", `${at}/members/${id}/invitation`, { token, body: {} })))
  }
  expect(verdicts).toEqual([...Array(5).fill("202"), ...Array(2).fill("429 too_many_requests")])
  await narrow.database.drop()
})

test("a guest whose address has an account already is told so, and a guest without address can't be invited", async () => {
  const known = await api.person()
  const answer = await load(`firstName,lastName,email\nAlso,Known,${known.email}`)
  const { userId } = answer.body.lines[0]
  const invited = await call("POST", `/${userId}/invitation`, {}, admin)
  expect(verdict(invited)).toBe("202")
  const [mail] = await mailsOf(api, invited.headers)
  expect([mail?.to, mail?.token]).toEqual([known.email, undefined])
  expect(mail?.text).toContain("You have an account with this address already.")
  const bob = (await call("GET", "?q=bob")).body.data[0]
  expect(verdict(await call("POST", `/${bob.userId}/invitation`, {}, admin))).toBe("409 no_address")
})

test("a person of another club is no member here, and staff do not import", async () => {
  const elsewhere = await api.facility()
  const stranger = await signedIn(api, "player", elsewhere)
  expect(verdict(await call("GET", `/${stranger.id}`))).toBe("404 not_found")
  expect(verdict(await call("PATCH", `/${stranger.id}`, { phone: "1" }))).toBe("404 not_found")
  expect(verdict(await load("firstName,lastName\nA,B", {}, facilityId, staff))).toBe("403 not_allowed")
  expect(verdict(await call("GET", "", undefined, stranger))).toBe("404 not_found")
})
