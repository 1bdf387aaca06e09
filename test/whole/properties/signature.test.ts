// Signatures: for any body and secret, both kinds of receiver verify the sent request and refuse every changed one.

import { expect, setDefaultTimeout, test } from "bun:test"
import { createHmac } from "node:crypto"
import fc from "fast-check"
import { Webhook, WebhookVerificationError } from "standardwebhooks"
import { secretBox } from "#base/secrets.ts"
import { authOf, openAuth, sealAuth } from "#outbound/webhooks/auth.ts"
import { authHeaders, signatureHeader } from "#outbound/webhooks/request.ts"
import { newSigningSecret, signatureOf, standardHeaders } from "#outbound/webhooks/signature.ts"
import { cases, timeoutOf } from "./property.ts"

setDefaultTimeout(timeoutOf())

const nowSeconds = () => Math.floor(Date.now() / 1_000)

/** Any Unicode text, also from planes beyond the first; half of the time a JSON document, as real bodies are. */
const texts = fc.string({ unit: "binary", maxLength: 300 })
const bodies = fc.oneof(texts, fc.json())
/** Of every length that a webhook may have, also longer than SHA-256's block of 64 bytes. */
const secrets = fc.oneof(
  fc.string({ unit: "binary", minLength: 1, maxLength: 200 }),
  fc.string({ minLength: 990, maxLength: 1_000 }),
)
/** In the form of Standard Webhooks, with three or more bytes. */
const standardSecrets = fc
  .uint8Array({ minLength: 3, maxLength: 100 })
  .map((bytes) => `whsec_${Buffer.from(bytes).toString("base64")}`)
/** The secrets that SlotBase generates. */
const ours = fc.constant(undefined).map(newSigningSecret)
const timestamps = fc.integer({ min: 0, max: 4_102_444_800 })

/** The specification's receiver, on the bytes that arrived. */
const verifies = (body: Uint8Array, signature: string, secret: string, timestamp: string): boolean =>
  createHmac("sha256", secret).update(`${timestamp}.`).update(body).digest("hex") === signature

test("a receiver verifies any body under any secret, and the secret survives storage", () => {
  const box = secretBox(new Uint8Array(32).fill(3))
  fc.assert(
    fc.property(bodies, secrets, timestamps, fc.uuid({ version: 7 }), (body, signingSecret, timestamp, id) => {
      const kept = openAuth(box, id, sealAuth(box, id, authOf("signature", { signingSecret })))
      const { headers, signature } = authHeaders("signature", kept, { eventId: id, body, timestamp })
      expect(signature).toBe(headers[signatureHeader] as string)
      expect(signature).toMatch(/^[0-9a-f]{64}$/)
      expect(verifies(bytesOf(body), signature ?? "", signingSecret, String(timestamp))).toBe(true)
    }),
    cases(1_000),
  )
})

test("one changed, missing or added byte of the body, the timestamp or the signature fails", () => {
  fc.assert(
    fc.property(bodies, secrets, timestamps, damages(), (body, secret, timestamp, damage) => {
      const signature = signatureOf(body, secret, timestamp)
      const [sent, time] = [bytesOf(body), String(timestamp)]
      expect(verifies(damage(sent), signature, secret, time)).toBe(false)
      expect(verifies(sent, damaged(signature, damage), secret, time)).toBe(false)
      expect(verifies(sent, signature, secret, damaged(time, damage))).toBe(false)
    }),
    cases(1_000),
  )
})

// Only changed bytes: an HMAC key and the same key with zero bytes appended are one key.
test("one changed byte of the secret fails", () => {
  fc.assert(
    fc.property(bodies, secrets, timestamps, damages("change"), (body, secret, timestamp, damage) => {
      const [of, ofAnother] = [bytesOf(secret), damage(bytesOf(secret))].map((key) =>
        createHmac("sha256", key).update(`${timestamp}.${body}`).digest("hex"),
      )
      expect(signatureOf(body, secret, timestamp)).toBe(of as string)
      expect(ofAnother).not.toBe(of as string)
    }),
    cases(500),
  )
})

test("the library of Standard Webhooks verifies any JSON body under any secret in its form", () => {
  fc.assert(
    fc.property(fc.json(), fc.oneof(standardSecrets, ours), fc.uuid({ version: 7 }), (body, secret, id) => {
      const headers = standardHeaders(id, body, secret, nowSeconds())
      expect(new Webhook(secret).verify(body, headers)).toEqual(JSON.parse(body))
    }),
    cases(500),
  )
})

// Only changed bytes: the library reads the timestamp's leading number, and a list of signatures.
test("the library refuses one changed byte of the body, the id, the timestamp or the signature", () => {
  fc.assert(
    fc.property(fc.json(), standardSecrets, fc.uuid({ version: 7 }), damages("change"), (body, secret, id, damage) => {
      const headers = standardHeaders(id, body, secret, nowSeconds())
      const refuses = (text: string, name?: string) => {
        const changed = name === undefined ? headers : { ...headers, [name]: damaged(headers[name] as string, damage) }
        expect(() => new Webhook(secret).verify(text, changed)).toThrow(WebhookVerificationError)
      }
      refuses(damaged(body, damage))
      refuses(body, "webhook-id")
      refuses(body, "webhook-timestamp")
      refuses(body, "webhook-signature")
    }),
    cases(300),
  )
})

test("a secret in another form gets no Standard Webhooks headers, and a secret in its form always does", () => {
  fc.assert(
    fc.property(
      fc.oneof(
        secrets,
        texts.map((text) => `whsec_${text}`),
        standardSecrets,
      ),
      (secret) => {
        const isBase64 = (text: string) => text.length > 3 && Buffer.from(text, "base64").toString("base64") === text
        const isOfTheirForm = secret.startsWith("whsec_") && isBase64(secret.slice("whsec_".length))
        expect(Object.keys(standardHeaders("event-1", "{}", secret, 1))).toHaveLength(isOfTheirForm ? 3 : 0)
      },
    ),
    cases(1_000),
  )
})

type Damage = (bytes: Uint8Array) => Uint8Array

/** Changes, drops or adds one byte at a random place; an empty text can only grow. */
function damages(...kinds: ("change" | "drop" | "add")[]): fc.Arbitrary<Damage> {
  const kind = fc.constantFrom(...(kinds.length > 0 ? kinds : (["change", "drop", "add"] as const)))
  return fc
    .record({ kind, at: fc.nat(10_000), by: fc.integer({ min: 1, max: 255 }) })
    .map(({ kind, at, by }) => (bytes) => {
      const index = at % Math.max(1, bytes.length)
      if (kind === "add" || bytes.length === 0)
        return Uint8Array.of(...bytes.slice(0, index), by, ...bytes.slice(index))
      if (kind === "drop") return Uint8Array.of(...bytes.slice(0, index), ...bytes.slice(index + 1))
      return bytes.with(index, ((bytes[index] as number) + by) % 256)
    })
}

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text)
/** One character per byte, so that decoding hides no damage. */
const damaged = (text: string, damage: Damage): string => Buffer.from(damage(bytesOf(text))).toString("latin1")
