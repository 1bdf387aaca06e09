// The local mailbox's pages: the rights to see them, and that no mail can run anything there.

import { afterAll, beforeAll, beforeEach, expect, test } from "bun:test"
import { clock } from "#base/clock.ts"
import { newId } from "#base/ids.ts"
import { secretBox } from "#base/secrets.ts"
import { mailboxRoutes, mailboxUrl } from "#outbound/messages/channels/email/routes.ts"
import { createMailer } from "#outbound/messages/channels/email/smtp.ts"
import { testApp } from "#test/harness/setup/app.ts"
import { type TestDatabase, testDatabase } from "#test/harness/setup/database.ts"

let database: TestDatabase

beforeAll(async () => {
  database = await testDatabase()
})
afterAll(() => database.drop())
beforeEach(async () => {
  await database.db`delete from slotbase.mailbox`
})

const app = (given: Parameters<typeof testApp>[1] = {}) => testApp(database.db, given)

test("without a valid key nothing is shown, for every kind of wrong key", async () => {
  await receive({ subject: "Private" })
  const otherProgram = mailboxUrl({ ...app(), secrets: secretBox(new Uint8Array(32).fill(8)) }) as string
  const ended = app()
    .secrets.seal(String(clock.now() - 1), "mailbox key")
    .toString("base64url")
  const otherPurpose = app()
    .secrets.seal(String(clock.now() + 60_000), "webhook secret")
    .toString("base64url")
  for (const path of [
    "/mailbox",
    `/mailbox/${newId()}`,
    "/mailbox?key=",
    "/mailbox?key=guess",
    otherProgram,
    `/mailbox?key=${ended}`,
    `/mailbox?key=${otherPurpose}`,
    `/mailbox?key=${"a".repeat(10_000)}`,
  ]) {
    const answer = await get(path)
    expect(answer.status).toBe(401)
    expect(answer.headers.get("set-cookie")).toBeNull()
    expect(await answer.text()).not.toContain("Private")
  }
  expect((await get("/mailbox", { cookie: "slotbase_mailbox=guess" })).status).toBe(401)
})

test("the printed address moves its key into a cookie that scripts cannot read, and opens the mailbox", async () => {
  await receive({ subject: "Booking confirmed" })
  const url = mailboxUrl(app(), "http://127.0.0.1:3111") as string
  expect(url).toStartWith("http://127.0.0.1:3111/mailbox?key=")
  const moved = await get(url)
  expect(moved.status).toBe(303)
  expect(moved.headers.get("location")).toBe("/mailbox")
  expect(moved.headers.get("set-cookie")).toMatch(
    /^slotbase_mailbox=[\w-]+; Path=\/mailbox; Max-Age=6047\d\d; HttpOnly; SameSite=Lax$/,
  )
  const list = await get("/mailbox", await signedIn())
  expect(list.status).toBe(200)
  const page = await list.text()
  expect(page).toContain("Booking confirmed")
  expect(page).toContain("1 mail ·")
})

test("a mail is shown with its heads, text, HTML and raw form", async () => {
  const id = await receive({ subject: "Grüße", html: "<p>Bis <b>bald</b></p>", text: "Bis bald" })
  const answer = await get(`/mailbox/${id}`, await signedIn())
  expect(answer.status).toBe(200)
  const page = await answer.text()
  expect(page).toContain("<h1>Grüße</h1>")
  expect(page).toContain("<dd>&quot;Mia Keller&quot; &lt;mia@example.com&gt;</dd>")
  expect(page).toContain(
    'sandbox="" referrerpolicy="no-referrer" srcdoc="&lt;p&gt;Bis &lt;b&gt;bald&lt;/b&gt;&lt;/p&gt;"',
  )
  expect(page).toContain("<pre>Bis bald</pre>")
  expect(page).toContain("Message-ID: &lt;")
})

test("markup in a mail stays text on the page, and its HTML stays inside the frame", async () => {
  const attack = `"'></iframe></pre></title><script>alert(1)</script>`
  const id = await receive({ subject: attack, name: attack, text: attack, html: attack })
  const cookie = await signedIn()
  for (const path of ["/mailbox", `/mailbox/${id}`]) {
    const answer = await get(path, cookie)
    const page = await answer.text()
    expect(page).not.toContain("<script")
    expect(page.match(/<\/iframe>/g) ?? []).toHaveLength(path === "/mailbox" ? 0 : 1)
    expect(answer.headers.get("content-security-policy")).toBe(
      "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    )
    expect(answer.headers.get("x-content-type-options")).toBe("nosniff")
    expect(answer.headers.get("referrer-policy")).toBe("no-referrer")
    expect(answer.headers.get("cache-control")).toBe("no-store")
  }
})

test("a mail that is not there is a 404", async () => {
  for (const id of [newId(), "not-an-id"]) expect((await get(`/mailbox/${id}`, await signedIn())).status).toBe(404)
})

test("with an SMTP server, or in production, there is no mailbox and no mailbox address", async () => {
  for (const closed of [app({ smtpUrl: "smtp://mail.example.com" }), app({ environment: "production" })]) {
    expect(mailboxUrl(closed)).toBeUndefined()
    expect((await get(mailboxUrl(app()) as string, {}, closed)).status).toBe(404)
    expect((await get("/mailbox", await signedIn(), closed)).status).toBe(404)
  }
})

async function get(path: string, headers: Record<string, string> = {}, from = app()): Promise<Response> {
  const request = new Request(new URL(path, "http://127.0.0.1:3000").href, { headers })
  return await mailboxRoutes(from).handle(request)
}

async function signedIn(): Promise<{ cookie: string }> {
  const moved = await get(mailboxUrl(app()) as string)
  return { cookie: moved.headers.get("set-cookie")?.split(";")[0] ?? "" }
}

/** Sends a mail into the mailbox; returns its id there. */
async function receive(given: { subject: string; name?: string; text?: string; html?: string }): Promise<string> {
  const { name = "Mia Keller", text = "Text", html = "<p>Text</p>", subject } = given
  const mailer = createMailer(app())
  const about = {
    facilityId: newId(),
    userId: newId(),
    type: "booking.confirmed",
    priority: "high",
    data: {},
    links: {},
  } as const
  const mail = { ...about, id: newId(), to: { name, address: "mia@example.com" }, title: subject, body: text, html }
  await mailer.send(mail, new AbortController().signal)
  await mailer.close()
  const [row] = await database.db`select id from slotbase.mailbox order by received_at desc limit 1`
  return row?.id
}
