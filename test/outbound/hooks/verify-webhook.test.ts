// The verification that receivers copy: every language agrees on the test vectors, and each vector is what is sent.

import { describe, expect, test } from "bun:test"
import { join } from "node:path"
import { verifyWebhook, WebhookVerificationError } from "slotbase/verify-webhook"
import { Webhook as StandardWebhook } from "standardwebhooks"
import { Webhook as SvixWebhook } from "svix"
import { authHeaders, plainHeaders } from "#outbound/webhooks/request.ts"
import { newSigningSecret } from "#outbound/webhooks/signature.ts"
import { isInstalled, languages, readVectors, type Vector } from "#scripts/receivers/languages.ts"

const project = join(import.meta.dir, "../../..")
const vectors = await readVectors()

test.each(languages.filter(isInstalled).map(({ name, run }) => [name, run] as const))(
  "%s says of every vector what it must",
  async (_, run) => {
    const answers: unknown[] = JSON.parse(await run())
    expect(vectors.map(({ name }, nth) => [name, answers[nth]])).toEqual(
      vectors.map(({ name, form, error }) => [name, form ?? error]),
    )
  },
)

const secret = newSigningSecret()
const eventId = "01994a3e-7c00-7a10-8f3e-1c5d0a9b2e23"
const body = '{"id":"01994a3e-7c00-7a10-8f3e-1c5d0a9b2e23","data":{"note":"Grüße, 日本 🎾"}}'
const now = Math.floor(Date.now() / 1000)

function sent(signingSecret = secret, timestamp = now): Record<string, string> {
  const attempt = { attemptId: eventId, eventId, eventType: "booking.confirmed", sequence: 7, position: 12, replay: 0 }
  const auth = authHeaders("signature", { signingSecret }, { eventId, body, timestamp })
  return { ...plainHeaders(attempt, timestamp), ...auth.headers }
}

describe("a request as it is sent", () => {
  test("verifies as text, as bytes, and with the headers of fetch and of node:http", () => {
    const verified = { form: "standard", id: eventId, timestamp: now }
    expect(verifyWebhook({ body, headers: sent(), secret })).toEqual(verified as never)
    expect(verifyWebhook({ body: new TextEncoder().encode(body), headers: new Headers(sent()), secret })).toEqual(
      verified as never,
    )
    const ofNode = Object.fromEntries(Object.entries(sent()).map(([name, value]) => [name.toLowerCase(), value]))
    expect(verifyWebhook({ body, headers: { ...ofNode, cookie: ["a", "b"], te: undefined }, secret })).toEqual(
      verified as never,
    )
  })

  test("verifies under a plain secret, without an id, because that signature covers none", () => {
    expect(verifyWebhook({ body, headers: sent("a plain secret"), secret: ["other", "a plain secret"] })).toEqual({
      form: "slotbase",
      timestamp: now,
    })
  })

  test.each([
    ["the body", { body: `${body} ` }, "wrong_signature"],
    ["the secret", { secret: newSigningSecret() }, "wrong_signature"],
    ["the id", { headers: { ...sent(), "webhook-id": "x", "X-SlotBase-Event-ID": "x" } }, "wrong_signature"],
    [
      "the time",
      { headers: { ...sent(), "webhook-timestamp": `${now + 1}`, "X-SlotBase-Timestamp": `${now + 1}` } },
      "wrong_signature",
    ],
    ["the five minutes", { now: now + 301 }, "too_old"],
    ["the clock", { now: now - 301 }, "too_new"],
  ])("does not verify when %s is changed", (_, changed, code) => {
    const failure = thrownBy(() => verifyWebhook({ body, headers: sent(), secret, ...changed }))
    expect(failure).toBeInstanceOf(WebhookVerificationError)
    expect(failure).toMatchObject({ code })
  })

  test("a body that was parsed, and a secret that is not there, are mistakes of the program", () => {
    expect(thrownBy(() => verifyWebhook({ body: JSON.parse(body), headers: sent(), secret }))).toBeInstanceOf(TypeError)
    expect(thrownBy(() => verifyWebhook({ body, headers: sent(), secret: "" }))).toBeInstanceOf(TypeError)
    expect(thrownBy(() => verifyWebhook({ body, headers: sent(), secret: [] }))).toBeInstanceOf(TypeError)
  })
})

describe.each([
  ["standardwebhooks", (key: string) => new StandardWebhook(key)],
  ["svix", (key: string) => new SvixWebhook(key)],
])("the package %s", (_, of) => {
  test("verifies what is sent", () => {
    expect(() => of(secret).verify(body, sent())).not.toThrow()
  })

  test.each([
    ["byte", `${body.slice(0, -1)} }`, {}],
    ["time", body, { "webhook-timestamp": String(now + 1) }],
    ["id", body, { "webhook-id": "another" }],
  ])("refuses a changed %s", (_, text, headers) => {
    expect(() => of(secret).verify(text, { ...sent(), ...headers })).toThrow("No matching signature found")
  })

  test("refuses a changed secret, and a request that is too old", () => {
    expect(() => of(newSigningSecret()).verify(body, sent())).toThrow("No matching signature found")
    expect(() => of(secret).verify(body, sent(secret, now - 301))).toThrow("Message timestamp too old")
  })
})

test("both forms of the vectors are the headers that SlotBase sends", () => {
  for (const { name, secrets, headers, body } of vectors.filter(isAsSent)) {
    const [signingSecret = ""] = secrets
    const timestamp = Number(headers["X-SlotBase-Timestamp"] ?? headers["webhook-timestamp"])
    const made = authHeaders("signature", { signingSecret }, { eventId, body, timestamp }).headers
    const names = Object.keys(made).filter((each) => headers[each] !== undefined)
    expect({ name, ...headers }).toMatchObject({ name, ...Object.fromEntries(names.map((each) => [each, made[each]])) })
  }
})

test("docs/receivers.md has each verification as it is in receivers/, and the receiver has the one in Python", async () => {
  const page = await Bun.file(join(project, "docs/receivers.md")).text()
  for (const file of ["verify-webhook.js", "verify_webhook.py", "verify_webhook.php", "verify_webhook.go"])
    expect(page.includes(await Bun.file(join(project, "receivers", file)).text()), file).toBe(true)
  const python = await Bun.file(join(project, "receivers/verify_webhook.py")).text()
  const receiver = await Bun.file(join(project, "examples/receiver.py")).text()
  expect(receiver).toContain(python.slice(python.indexOf("class WebhookVerificationError")))
})

const isAsSent = ({ form, secrets, headers }: Vector) =>
  form !== undefined && secrets.length === 1 && !JSON.stringify(headers).match(/-Next|v1[^"]* v1|v1a/)

function thrownBy(call: () => unknown): unknown {
  try {
    call()
  } catch (error) {
    return error
  }
  return undefined
}
