/**
 * Verifies that a request comes from SlotBase. Node 20 or later, Bun and Deno; no package is needed.
 * docs/receivers.md says what is signed, and has the same in Python, PHP and Go.
 */
import { createHmac, timingSafeEqual } from "node:crypto"

/** The request is not genuine. `code` says why. */
export class WebhookVerificationError extends Error {
  constructor(code, message) {
    super(message)
    this.name = "WebhookVerificationError"
    this.code = code
  }
}

/** Throws WebhookVerificationError unless one of the secrets has signed the body, in the last five minutes. */
export function verifyWebhook({ body, headers, secret, toleranceSeconds = 300, now = Date.now() / 1000 }) {
  if (typeof body !== "string" && !(body instanceof Uint8Array))
    throw new TypeError("body is the text or the bytes as they were received, before any JSON is parsed")
  const secrets = [secret].flat().filter((each) => typeof each === "string" && each !== "")
  if (secrets.length === 0) throw new TypeError("secret is the signing secret, or a list of them")
  const given = byLowerCase(headers)
  const signatures = given.get("webhook-signature")
  const id = given.get("webhook-id")
  const timestamp = given.get(signatures === undefined ? "x-slotbase-timestamp" : "webhook-timestamp")
  const own = [given.get("x-slotbase-signature"), given.get("x-slotbase-signature-next")].filter((each) => each)
  if (timestamp === undefined || (signatures === undefined ? own.length === 0 : id === undefined))
    throw new WebhookVerificationError("missing_header", "The request has no signature, no timestamp or no id.")
  if (signatures !== undefined) {
    const twins = [given.get("x-slotbase-event-id") ?? id, given.get("x-slotbase-timestamp") ?? timestamp]
    if (twins[0] !== id || twins[1] !== timestamp)
      throw new WebhookVerificationError("headers_differ", "Two headers give the id or the timestamp differently.")
  }
  if (!/^[0-9]{1,15}$/.test(timestamp))
    throw new WebhookVerificationError("bad_timestamp", "The timestamp is not a number of seconds.")
  const age = Math.floor(now) - Number(timestamp)
  if (!(age <= toleranceSeconds)) throw new WebhookVerificationError("too_old", `It was sent ${age} seconds ago.`)
  if (!(age >= -toleranceSeconds)) throw new WebhookVerificationError("too_new", `It was sent in ${-age} seconds.`)
  for (const each of secrets) {
    const key = signatures === undefined ? undefined : standardKey(each)
    if (key !== undefined) {
      const expected = `v1,${createHmac("sha256", key).update(`${id}.${timestamp}.`).update(body).digest("base64")}`
      if (signatures.split(" ").some((one) => isSame(one, expected)))
        return { form: "standard", id, timestamp: Number(timestamp) }
    } else if (timestamp === given.get("x-slotbase-timestamp")) {
      const expected = createHmac("sha256", each).update(`${timestamp}.`).update(body).digest("hex")
      if (own.some((one) => isSame(one, expected))) return { form: "slotbase", timestamp: Number(timestamp) }
    }
  }
  throw new WebhookVerificationError("wrong_signature", "No signature is that of the body under the secret.")
}

/** The key of a Standard Webhooks secret, `whsec_` and base64; undefined for another secret. */
function standardKey(secret) {
  const text = /^whsec_([A-Za-z0-9+/_-]+)={0,2}$/.exec(secret)?.[1]
  return text === undefined || text.length % 4 === 1 ? undefined : Buffer.from(text, "base64")
}

/** In a time that does not depend on where the two differ. */
function isSame(one, other) {
  const [a, b] = [Buffer.from(one), Buffer.from(other)]
  return a.length === b.length && timingSafeEqual(a, b)
}

/** Headers of fetch, of node:http, or a plain object. */
function byLowerCase(headers) {
  const entries = typeof headers.entries === "function" ? [...headers.entries()] : Object.entries(headers)
  return new Map(
    entries.flatMap(([name, value]) => (value == null ? [] : [[name.toLowerCase(), [value].flat().join(" ")]])),
  )
}
