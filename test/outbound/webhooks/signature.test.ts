// The signature as receivers verify it: with the specification's function, and with the library of Standard Webhooks.

import { expect, test } from "bun:test"
import crypto from "node:crypto"
import { Webhook } from "standardwebhooks"
import { newSigningSecret, signatureOf, standardHeaders } from "#outbound/webhooks/signature.ts"

// Copied from the specification, "Webhook Signature".
function generateWebhookSignature(payload: string, secret: string, timestamp: number): string {
  const signaturePayload = `${timestamp}.${payload}`
  return crypto.createHmac("sha256", secret).update(signaturePayload).digest("hex")
}
function verifyWebhookSignature(
  payload: string,
  signature: string,
  secret: string,
  timestamp: number,
  toleranceSeconds = 300,
): boolean {
  const now = Math.floor(Date.now() / 1000)
  if (Math.abs(now - timestamp) > toleranceSeconds) {
    return false
  }
  const expectedSignature = generateWebhookSignature(payload, secret, timestamp)
  return crypto.timingSafeEqual(Buffer.from(signature), Buffer.from(expectedSignature))
}

const body = '{"id":"01a2","data":{"note":"Grüße, 日本 🎾"}}'
const timestamp = Math.floor(Date.now() / 1000)

test.each([newSigningSecret(), "a plain secret", "пароль"])(
  "the specification's receiver verifies it under %s",
  (secret) => {
    const signature = signatureOf(body, secret, timestamp)
    expect(signature).toMatch(/^[0-9a-f]{64}$/)
    expect(verifyWebhookSignature(body, signature, secret, timestamp)).toBe(true)
    expect(verifyWebhookSignature(`${body} `, signature, secret, timestamp)).toBe(false)
    expect(verifyWebhookSignature(body, signature, secret, timestamp + 1)).toBe(false)
    expect(verifyWebhookSignature(body, signature, `${secret}x`, timestamp)).toBe(false)
  },
)

test("a known secret gives the known signature", () => {
  // printf '1700000000.{}' | openssl dgst -sha256 -hmac secret
  expect(signatureOf("{}", "secret", 1_700_000_000)).toBe(
    "b8569b78799ff9e3cbff0fc2d63a33a2b57f3282abd07c37ae5e8e7d79a5f163",
  )
})

test("the Standard Webhooks library verifies signatures under a generated secret", () => {
  const secret = newSigningSecret()
  expect(secret).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/)
  const headers = standardHeaders("event-1", body, secret, timestamp)
  expect(new Webhook(secret).verify(body, headers)).toEqual(JSON.parse(body))
  expect(() => new Webhook(newSigningSecret()).verify(body, headers)).toThrow("No matching signature found")
  expect(() => new Webhook(secret).verify(`${body} `, headers)).toThrow("No matching signature found")
})

test.each(["a plain secret", "whsec_", "whsec_not base64!", "whsec_abc", "WHSEC_AAAA"])(
  "%p is no Standard Webhooks secret: the headers of that standard are left out",
  (secret) => {
    expect(standardHeaders("event-1", body, secret, timestamp)).toEqual({})
  },
)
