// One's own account: names, passwords, and the links that mails hold.

import { afterAll, beforeAll, expect, test } from "bun:test"
import { type Caller, callerOf } from "#access/caller.ts"
import { openSession } from "#access/sessions.ts"
import type { Tx } from "#base/database/transaction.ts"
import { platformFacilityId } from "#base/ids.ts"
import { requestEmailChange } from "#domain/people/accounts/emails.ts"
import { findOpenLink, tokenOfLink } from "#domain/people/accounts/links.ts"
import { changeNames } from "#domain/people/accounts/names.ts"
import { changePassword, inviteToAccount, requestReset } from "#domain/people/accounts/passwords.ts"
import { endOtherSessions } from "#domain/people/accounts/sessions.ts"
import { useLink } from "#domain/people/accounts/use-link.ts"
import { transact } from "#events/outbox.ts"
import { type Answer, type TestApi, testApi } from "#test/harness/api/api.ts"
import { password } from "#test/harness/api/over-api.ts"
import { mailsOf } from "#test/harness/club/account-mail.ts"
import { recordedBy, verdict } from "#test/harness/club/people.ts"

let api: TestApi
let facilityId: string

beforeAll(async () => {
  api = await testApi()
  facilityId = await api.facility()
})
afterAll(() => api.database.drop())

const newPassword = "violet harbour ladder"
const open = (path: string, body: object) => api.call("POST", path, { token: null, body })
const signIn = (email: string, tried = password) => open("/v1/sessions", { email, password: tried })
const use = (token: string | undefined, more: object = {}) =>
  open("/v1/account-links/use", { token: token ?? "", ...more })
const askReset = (email: string) => open("/v1/password-resets", { email })
const isOpen = async (token: string) => (await api.call("GET", "/v1/me", { token })).status === 200
const later = (minutes: number) => api.database.db`select slotbase.move_clock(make_interval(mins => ${minutes}))`
const tally = (answers: readonly Answer[]) =>
  Object.fromEntries([...Map.groupBy(answers, verdict)].map(([each, { length }]) => [each, length]))
const times = <T>(count: number, make: (nth: number) => T) => Array.from({ length: count }, (_, nth) => make(nth))
/** Asks for a link, and takes it out of the mail. */
const resetLink = async (email: string) => (await mailsOf(api, (await askReset(email)).headers))[0]?.token
const changeLink = async (who: { token: string }, email: string) => {
  const { headers } = await api.call("POST", "/v1/me/email-change", { token: who.token, body: { email, password } })
  return (await mailsOf(api, headers)).find(({ to }) => to === email)?.token
}

test("a person changes a name; what is not named stays, and the event names the fields alone", async () => {
  const mia = await api.person()
  const answer = await api.call("PATCH", "/v1/me", { token: mia.token, body: { lastName: "Brandt" } })
  expect([answer.status, answer.body]).toEqual([
    200,
    { id: mia.id, email: mia.email, firstName: "Mia", lastName: "Brandt", language: null, timezone: null },
  ])
  expect(await recordedBy(api, answer.headers)).toEqual([
    {
      type: "user.updated",
      facility_id: platformFacilityId,
      organization_id: null,
      user_id: mia.id,
      data: { userId: mia.id, changed: ["lastName"], updatedBy: mia.id },
    },
  ])
  const same = await api.call("PATCH", "/v1/me", { token: mia.token, body: { lastName: "Brandt" } })
  expect([same.status, await recordedBy(api, same.headers)]).toEqual([200, []])
})

test("a parent names a child who cannot sign in, staff a walk-in of theirs, and nobody else a stranger", async () => {
  const [parent, staff, other] = [await api.person(), await api.person("staff", facilityId), await api.person()]
  const child = await api.call("POST", `/v1/users/${parent.id}/children`, {
    token: parent.token,
    body: { firstName: "Ben", lastName: "Keller", relationship: "mother" },
  })
  const guest = await api.call("POST", `/v1/facilities/${facilityId}/walk-ins`, {
    token: staff.token,
    body: { firstName: "Kim", lastName: "Guest" },
  })
  const rename = (by: { token: string }, id: string) =>
    api.call("PATCH", `/v1/users/${id}`, { token: by.token, body: { firstName: "Lea" } })
  expect(verdict(await rename(parent, child.body.childId))).toBe("200")
  const renamed = await rename(staff, guest.body.id)
  expect(await recordedBy(api, renamed.headers)).toMatchObject([{ type: "user.updated", facility_id: facilityId }])
  for (const [by, id] of [
    [other, child.body.childId],
    [staff, child.body.childId],
    [other, guest.body.id],
    [staff, parent.id],
    [parent, staff.id],
  ] as const) {
    expect(verdict(await rename(by, id))).toBe("404 not_found")
  }
  expect((await api.call("PATCH", `/v1/users/${other.id}`, { body: { firstName: "Lea" } })).body.firstName).toBe("Lea")
  expect(verdict(await api.call("PATCH", "/v1/me", { body: { firstName: "Lea" } }))).toBe("403 not_allowed")
})

test("a new password ends all other sessions and open links, and a mail says so", async () => {
  const mia = await api.person()
  const elsewhere = (await signIn(mia.email)).body.token
  const link = await resetLink(mia.email)
  const change = (body: object) => api.call("POST", "/v1/me/password", { token: mia.token, body })
  const wrong = await change({ currentPassword: "not the password", newPassword })
  expect([verdict(wrong), wrong.body.errors[0].path]).toEqual(["422 wrong_password", "body.currentPassword"])
  const weak = await change({ currentPassword: password, newPassword: "password1" })
  expect([verdict(weak), weak.body.errors[0].path]).toEqual(["422 weak_password", "body.newPassword"])
  const answer = await change({ currentPassword: password, newPassword })
  expect(verdict(answer)).toBe("204")
  expect([await isOpen(mia.token), await isOpen(elsewhere)]).toEqual([true, false])
  expect(verdict(await use(link, { password: "another harbour" }))).toBe("422 link_not_valid")
  expect([verdict(await signIn(mia.email)), verdict(await signIn(mia.email, newPassword))]).toEqual([
    "401 not_authenticated",
    "201",
  ])
  expect(await mailsOf(api, answer.headers)).toMatchObject([{ to: mia.email, subject: "Your password was changed" }])
})

test("wrong present passwords count like wrong sign-ins: of twelve ten are tried", async () => {
  const mia = await api.person()
  const body = { currentPassword: "not the password", newPassword }
  const answers = []
  for (const _ of times(12, () => 0))
    answers.push(await api.call("POST", "/v1/me/password", { token: mia.token, body }))
  expect(tally(answers)).toEqual({ "422 wrong_password": 10, "429 too_many_requests": 2 })
})

test("a session that was about to open with the old password does not open", async () => {
  const mia = await api.person()
  const body = { currentPassword: password, newPassword }
  const signIns = times(8, () => signIn(mia.email))
  const [changed, ...signedIn] = await Promise.all([
    api.call("POST", "/v1/me/password", { token: mia.token, body }),
    ...signIns,
  ])
  expect(verdict(changed as Answer)).toBe("204")
  const still = await Promise.all(signedIn.map(({ status, body }) => status === 201 && isOpen(body.token)))
  expect(still).not.toContain(true)
})

test("a forgotten password: the same answer for everybody, and a mail for those who have an account", async () => {
  const mia = await api.person()
  const parent = await api.person()
  await api.call("POST", `/v1/users/${parent.id}/children`, {
    token: parent.token,
    body: { firstName: "Ben", lastName: "Keller", relationship: "mother", email: "ben@example.com" },
  })
  const answers = [
    await askReset(mia.email.toUpperCase()),
    await askReset("nobody@example.com"),
    await askReset("ben@example.com"),
  ]
  for (const { status, body } of answers)
    expect([status, body]).toEqual([202, { status: "accepted", expiresInMinutes: 60 }])
  const events = await Promise.all(answers.map(({ headers }) => recordedBy(api, headers)))
  for (const recorded of events) {
    expect(recorded).toMatchObject([{ type: "user.password_reset_requested", user_id: null }])
    expect(Object.keys(recorded[0]?.data ?? {})).toEqual(["linkId"])
  }
  // One after the other: a post office sends all that waits.
  const mails = []
  for (const { headers } of answers) mails.push(await mailsOf(api, headers))
  const [toMia, toNobody, toChild] = mails
  expect([toNobody, toChild]).toEqual([[], []])
  expect(toMia).toMatchObject([
    { to: mia.email, subject: "Set a new password", token: expect.stringMatching(/^sbl_.{43}$/) },
  ])
  const [{ text = "", html = "" } = {}] = toMia ?? []
  expect(text).toContain(`Set a new password: https://book.example/account-links/`)
  expect(html).toContain('<a href="https://book.example/account-links/sbl_')
  // No row holds the address of somebody who has no account.
  const [{ kept } = { kept: 0 }] = await api.database.db<{ kept: number }[]>`
    select count(*)::integer as kept from slotbase.account_links where email like '%nobody%'`
  expect(kept).toBe(0)
})

test("a link sets the password once, ends every session, and works for one hour", async () => {
  const mia = await api.person()
  const link = await resetLink(mia.email)
  expect(verdict(await use(link))).toBe("422 invalid_input")
  const weak = await use(link, { password: "password1" })
  expect(verdict(weak)).toBe("422 weak_password")
  const used = await use(link, { password: newPassword })
  expect([used.status, used.body, used.headers.get("cache-control")]).toEqual([
    200,
    { purpose: "password_reset" },
    "no-store",
  ])
  expect(await recordedBy(api, used.headers)).toMatchObject([
    { type: "user.password_changed", user_id: mia.id, data: { userId: mia.id, how: "reset", sessionsEnded: 1 } },
  ])
  expect(await isOpen(mia.token)).toBe(false)
  expect(verdict(await signIn(mia.email, newPassword))).toBe("201")
  expect(verdict(await use(link, { password: newPassword }))).toBe("422 link_not_valid")
  const [row] = await api.database.db`
    select action, actor_id, subject_id, after from slotbase.audit_log where action = 'account_link.used' order by id desc limit 1`
  expect(row).toEqual({
    action: "account_link.used",
    actor_id: mia.id,
    subject_id: mia.id,
    after: { how: "reset", sessionsEnded: 1 },
  })
  const late = await resetLink(mia.email)
  await later(60)
  expect(verdict(await use(late, { password: newPassword }))).toBe("422 link_not_valid")
})

test("a newer link ends the older one, also when 64 are asked for at once", async () => {
  const mia = await api.person()
  const older = await resetLink(mia.email)
  const newer = await resetLink(mia.email)
  expect(verdict(await use(older, { password: newPassword }))).toBe("422 link_not_valid")
  expect(tally(await Promise.all(times(64, () => askReset(mia.email))))).toEqual({ "202": 64 })
  const [row] = await api.database.db`
    select count(*)::integer as open from slotbase.account_links where user_id = ${mia.id} and ended_at is null`
  expect([row?.open, verdict(await use(newer, { password: newPassword }))]).toEqual([1, "422 link_not_valid"])
})

test("of eight uses of one link at once exactly one sets its password", async () => {
  const mia = await api.person()
  const link = await resetLink(mia.email)
  const answers = await Promise.all(times(8, (nth) => use(link, { password: `${newPassword} ${nth}` })))
  expect(tally(answers)).toEqual({ "200": 1, "422 link_not_valid": 7 })
  const won = answers.findIndex(({ status }) => status === 200)
  expect(verdict(await signIn(mia.email, `${newPassword} ${won}`))).toBe("201")
})

test("of 64 uses of one link at once exactly one confirms its address", async () => {
  const mia = await api.person()
  const link = await changeLink(mia, "once@example.com")
  const began = performance.now()
  const answers = await Promise.all(times(64, () => use(link)))
  console.log(`64 uses of one link were answered within ${Math.round(performance.now() - began)} ms`)
  expect(tally(answers)).toEqual({ "200": 1, "422 link_not_valid": 63 })
})

test("an address changes when the new one is confirmed, and the old one is told twice", async () => {
  const mia = await api.person()
  const email = "mia.new@example.com"
  const ask = (body: object) => api.call("POST", "/v1/me/email-change", { token: mia.token, body })
  expect(verdict(await ask({ email, password: "not the password" }))).toBe("422 wrong_password")
  expect(verdict(await ask({ email: mia.email.toUpperCase(), password }))).toBe("422 same_email")
  const asked = await ask({ email: ` ${email.toUpperCase()}`, password })
  expect([asked.status, asked.body]).toEqual([202, { status: "accepted", expiresInMinutes: 60 }])
  expect((await api.call("GET", "/v1/me", { token: mia.token })).body.email).toBe(mia.email)
  const mails = await mailsOf(api, asked.headers)
  expect(mails.map(({ to, subject }) => [to, subject])).toEqual([
    ["mia.new@example.com", "Confirm your new e-mail address"],
    [mia.email, "Your e-mail address is about to be changed"],
  ])
  expect(mails[1]?.token).toBeUndefined()
  const refused = await use(mails[0]?.token, { password: newPassword })
  expect([verdict(refused), refused.body.errors[0].path]).toEqual(["422 invalid_input", "body.password"])
  const used = await use(mails[0]?.token)
  expect([used.status, used.body]).toEqual([200, { purpose: "email_change" }])
  expect(await recordedBy(api, used.headers)).toMatchObject([
    { type: "user.email_changed", user_id: mia.id, data: { userId: mia.id, email } },
  ])
  expect((await api.call("GET", "/v1/me", { token: mia.token })).body.email).toBe(email)
  expect([verdict(await signIn(mia.email)), verdict(await signIn(email))]).toEqual(["401 not_authenticated", "201"])
  expect(await mailsOf(api, used.headers)).toMatchObject([
    { to: mia.email, subject: "Your e-mail address was changed" },
  ])
})

test("somebody else's address is answered the same, and its owner is told without a link", async () => {
  const [mia, noah] = [await api.person(), await api.person()]
  const asked = await api.call("POST", "/v1/me/email-change", {
    token: mia.token,
    body: { email: noah.email, password },
  })
  expect([asked.status, asked.body]).toEqual([202, { status: "accepted", expiresInMinutes: 60 }])
  const mails = await mailsOf(api, asked.headers)
  const toNoah = mails.find(({ to }) => to === noah.email)
  expect(toNoah).toMatchObject({ subject: "You have an account with this address", token: undefined })
  expect(`${toNoah?.text}${toNoah?.html}`).not.toContain("account-links")
  expect(mails).toHaveLength(2)
})

test("a new password makes a pending change of address void", async () => {
  const mia = await api.person()
  const link = await changeLink(mia, "stolen@example.com")
  const body = { currentPassword: password, newPassword }
  expect(verdict(await api.call("POST", "/v1/me/password", { token: mia.token, body }))).toBe("204")
  expect(verdict(await use(link))).toBe("422 link_not_valid")
})

test("64 confirmations by two people who want one address: one gets it, and no use is lost to a deadlock", async () => {
  const [mia, noah] = [await api.person(), await api.person()]
  const email = "wanted@example.com"
  const links = [await changeLink(mia, email), await changeLink(noah, email)]
  const answers = await Promise.all(times(64, (nth) => use(links[nth % 2])))
  const { "200": won, "409 email_taken": taken = 0, "422 link_not_valid": late = 0, ...others } = tally(answers)
  expect([won, taken + late, others]).toEqual([1, 63, {}])
  expect(taken).toBe(32)
  const owners = await api.database.db`select id from slotbase.users where email = ${email}`
  expect([mia.id, noah.id]).toContain(owners[0]?.id)
  expect(owners).toHaveLength(1)
})

test("64 commands of every kind on one account at once: none deadlocks, and no session of the old password is left", async () => {
  const { db } = api.database
  const mia = await api.person()
  const caller = (await callerOf(db, mia.id)) as Caller
  const user = { id: mia.id, email: mia.email, firstName: "Mia", lastName: "Keller" }
  const { secrets } = api.app
  const [{ hash } = { hash: "" }] = await db<{ hash: string }[]>`
    select password_hash as hash from slotbase.users where id = ${mia.id}`
  const kinds: readonly ((tx: Tx, nth: number) => Promise<unknown>)[] = [
    (tx) => openSession(tx, user, null, { passwordHash: hash }),
    (tx) => requestReset(tx, secrets, mia.email),
    (tx, nth) => requestEmailChange(tx, secrets, caller, `mia-${nth}@example.com`, hash),
    (tx, nth) => changeNames(tx, caller, mia.id, { lastName: `Keller ${nth}` }),
    (tx) => endOtherSessions(tx, caller, mia.token),
    async (tx) => {
      const [open] = await tx<{ id: string }[]>`
        select id from slotbase.account_links where user_id = ${mia.id} and ended_at is null limit 1`
      const link = open && (await findOpenLink(tx, tokenOfLink(secrets, open.id)))
      if (link?.purpose === "email_change") await useLink(tx, { link, passwordHash: undefined })
    },
    (tx, nth) =>
      nth < 56
        ? openSession(tx, user, null, { passwordHash: hash })
        : changePassword(tx, caller, { presentHash: hash, newHash: `new ${nth}` }, mia.token),
  ]
  const context = { environment: "development", correlationId: mia.id } as const
  const run = (nth: number) => transact(db, context, (tx) => kinds[nth % kinds.length]?.(tx, nth) as Promise<unknown>)
  const began = performance.now()
  const outcomes = await Promise.allSettled(times(64, run))
  console.log(`64 commands on one account took ${Math.round(performance.now() - began)} ms`)
  const refusals = outcomes.flatMap((each) =>
    each.status === "rejected" ? [each.reason.code ?? each.reason._tag] : [],
  )
  expect(new Set(refusals)).not.toContain("40P01")
  expect([...new Set(refusals)].filter((code) => !expected.has(code))).toEqual([])
  const [left] = await db`
    select (select password_hash like 'new %' from slotbase.users where id = ${mia.id}) as changed,
           (select count(*)::integer from slotbase.sessions where user_id = ${mia.id}) as sessions`
  expect(left).toEqual({ changed: true, sessions: 1 })
})
/** A command that comes after the change of the password, or after another use of its link. */
const expected = new Set(["password_changed", "NotAuthenticated", "link_not_valid"])

test("no table holds a token, and no event does", async () => {
  const mia = await api.person()
  const link = await resetLink(mia.email)
  expect(link).toBeDefined()
  const tables = await api.database.db<{ name: string }[]>`
    select table_name as name from information_schema.tables where table_schema = 'slotbase' and table_type = 'BASE TABLE'`
  expect(tables.length).toBeGreaterThan(50)
  for (const { name } of tables) {
    const [row] = await api.database.db.unsafe(
      `select count(*)::integer as found from slotbase."${name}" t where t::text like '%' || $1 || '%'`,
      [link ?? ""],
    )
    expect([name, row?.found]).toEqual([name, 0])
  }
})

test("mails of one address are limited, whether an account has it or not", async () => {
  const narrow = await testApi({ requestsPerSecond: 100 })
  const ask = (email: string) => narrow.call("POST", "/v1/password-resets", { token: null, body: { email } })
  const known = await narrow.person()
  for (const email of [known.email, "nobody@example.com"]) {
    const answers = []
    for (const _ of times(8, () => 0)) answers.push(await ask(email))
    expect(tally(answers)).toEqual({ "202": 6, "429 too_many_requests": 2 })
  }
  await narrow.database.drop()
})

test("an invited person sets a first password within seven days", async () => {
  const { db } = api.database
  const id = "01994a3e-7c00-7a10-8f3e-1c5d0a9b2e77"
  await db`
    insert into slotbase.users (id, email, first_name, last_name, registration_source)
    values (${id}, 'ida@example.com', 'Ida', 'Bell', 'invitation')`
  const staff = await api.person("staff", facilityId)
  const invite = async () => {
    const context = { environment: "development", correlationId: id, userId: staff.id } as const
    const { result, eventIds } = await transact(db, context, (tx) =>
      inviteToAccount(tx, api.app.secrets, id, { facilityId }, staff.id),
    )
    return { result, headers: new Headers({ "x-slotbase-event-ids": eventIds.join() }) }
  }
  const mails = await mailsOf(api, (await invite()).headers)
  expect(mails).toMatchObject([{ to: "ida@example.com", subject: "Riverside invites you" }])
  await later(7 * 24 * 60 - 1)
  const used = await use(mails[0]?.token, { password: newPassword })
  expect([used.status, used.body]).toEqual([200, { purpose: "invitation" }])
  expect(verdict(await signIn("ida@example.com", newPassword))).toBe("201")
  expect((await invite()).result).toBe(false)
})
