// Text messages over a provider that is the test's own: what is asked, and what each of its answers means.

import { afterEach, expect, test } from "bun:test"
import { type RecipientRefused, SendFailed } from "#outbound/messages/channels/channel.ts"
import { failureIn, sendByTwilio } from "#outbound/messages/channels/sms/twilio.ts"
import { failure } from "#test/harness/pipeline/pipeline.ts"

const accountSid = `AC${"0123456789abcdef".repeat(2)}`
const text = { to: "+4915112345678", body: "Court 1, 9:00 & später" }
const open: Bun.Server<undefined>[] = []
afterEach(() => Promise.all(open.splice(0).map((server) => server.stop(true))))

/** A provider that gives this answer, and what it was asked. */
function provider(answer: (request: Request) => Response | Promise<Response>) {
  const asked: { path: string; head: Headers; form: Record<string, string> }[] = []
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    fetch: async (request) => {
      const form = Object.fromEntries(new URLSearchParams(await request.text()))
      asked.push({ path: new URL(request.url).pathname, head: request.headers, form })
      return answer(request)
    },
  })
  open.push(server)
  const from = "+15005550006"
  const send = (given: { from?: string; signal?: AbortSignal; allow?: string[] } = {}) =>
    sendByTwilio(
      { accountSid, authToken: "secret", from, apiBase: `http://127.0.0.1:${server.port}`, ...given },
      text,
      given.allow ?? ["127.0.0.0/8"],
      given.signal ?? new AbortController().signal,
    )
  return { asked, send }
}

const taken = () => Response.json({ sid: "SM1", status: "queued" }, { status: 201 })

test("a text is one form with basic authentication, from a number, a name or a messaging service", async () => {
  const { asked, send } = provider(taken)
  await send()
  await send({ from: `MG${"a".repeat(32)}` })
  expect(asked.map(({ path }) => path)).toEqual(
    Array.from({ length: 2 }, () => `/2010-04-01/Accounts/${accountSid}/Messages.json`),
  )
  expect(asked.map(({ form }) => form)).toEqual([
    { To: text.to, From: "+15005550006", Body: text.body },
    { To: text.to, MessagingServiceSid: `MG${"a".repeat(32)}`, Body: text.body },
  ])
  expect(asked[0]?.head.get("authorization")).toBe(`Basic ${btoa(`${accountSid}:secret`)}`)
  expect(asked[0]?.head.get("content-type")).toBe("application/x-www-form-urlencoded")
})

const says = (status: number, body: unknown, headers: Record<string, string> = {}) =>
  failureIn({ status, headers, body: typeof body === "string" ? body : JSON.stringify(body) })

test("an answer about the number refuses the recipient, and says so in the provider's words", () => {
  for (const code of [21211, 21217, 21265, 21266, 21268, 21610, 21614, 21635]) {
    const refused = says(400, { code, message: "not that one", status: 400 }) as RecipientRefused
    expect(refused).toMatchObject({ _tag: "RecipientRefused", message: `400 (${code}): not that one` })
  }
})

test.each([
  ["too many", 429, { code: 20429, message: "slow" }, { outcome: "not_sent", concern: "service", permanent: false }],
  ["no access", 401, { code: 20003, message: "who" }, { outcome: "not_sent", concern: "service", permanent: false }],
  ["no such account", 404, { code: 20404 }, { outcome: "not_sent", concern: "service", permanent: false }],
  ["a wrong sender", 400, { code: 21606 }, { outcome: "not_sent", concern: "service", permanent: false }],
  ["out of order", 503, "", { outcome: "not_sent", concern: "service", permanent: false }],
  ["broken", 500, "<html>", { outcome: "unknown", concern: "service", permanent: false }],
  ["a country that is off", 400, { code: 21408 }, { outcome: "not_sent", concern: "message", permanent: true }],
  ["a text too long", 400, { code: 21617 }, { outcome: "not_sent", concern: "message", permanent: true }],
  ["taken without an id", 201, {}, { outcome: "unknown", concern: "message", permanent: false }],
  ["taken without JSON", 200, "OK", { outcome: "unknown", concern: "message", permanent: false }],
  ["JSON that is no object", 200, "null", { outcome: "unknown", concern: "message", permanent: false }],
  ["a redirect", 302, "", { outcome: "unknown", concern: "suspected", permanent: false }],
  ["a refusal of another program", 400, "Bad Request", { outcome: "unknown", concern: "suspected", permanent: false }],
] as const)("%s", (_, status, body, expected) => {
  const failed = says(status, body)
  expect(failed).toBeInstanceOf(SendFailed)
  expect(failed).toMatchObject(expected)
})

test("Retry-After says when to try again", () => {
  expect(says(429, { code: 20429 }, { "retry-after": "7" })).toMatchObject({ retryAfterMs: 7_000 })
  expect(says(503, "", { "retry-after": "2" })).toMatchObject({ retryAfterMs: 2_000 })
  expect((says(429, { code: 20429 }) as SendFailed).retryAfterMs).toBeUndefined()
})

test("a provider that is not there sent nothing; one that hangs or breaks off may have", async () => {
  const gone = provider(taken)
  await Promise.all(open.splice(0).map((server) => server.stop(true)))
  expect(await failure(gone.send())).toMatchObject({ _tag: "SendFailed", outcome: "not_sent", concern: "service" })
  const stopping = new AbortController()
  const hanging = provider(() => {
    stopping.abort()
    return new Promise<Response>(() => {})
  })
  expect(await failure(hanging.send({ signal: stopping.signal }))).toMatchObject({
    _tag: "SendFailed",
    outcome: "unknown",
    concern: "message",
  })
  expect(await failure(provider(taken).send({ allow: [] }))).toMatchObject({
    _tag: "SendFailed",
    outcome: "not_sent",
    concern: "service",
    message: expect.stringContaining("127.0.0.1 is not a public address"),
  })
})
