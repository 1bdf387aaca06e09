/** The requests and answers of push subscriptions. A subscription is what a browser's `toJSON()` gives of it. */
import * as Schema from "effect/Schema"
import { type Fault, InvalidInput } from "#base/errors.ts"
import { Id } from "#base/schema/request-fields.ts"
import { atMost, oneLinePattern } from "#base/schema/text-fields.ts"
import { type BrowserKeys, isPoint } from "./encrypt.ts"

const Base64Url = Schema.String.annotate({ description: "base64url" }).check(
  atMost(200),
  Schema.isPattern(/^[A-Za-z0-9_-]+={0,2}$/u, { expected: "bytes in base64url" }),
)

export const SubscriptionInput = Schema.Struct({
  endpoint: Schema.String.annotate({
    description: "the https address that the browser's push service gave",
    examples: ["https://push.example.com/send/3f1a"],
  }).check(
    atMost(2_000),
    Schema.isPattern(/^\S*$/u, { expected: "an address without space or control characters" }),
    Schema.isPattern(oneLinePattern, { expected: "an address without control or invisible characters" }),
  ),
  expirationTime: Schema.optionalKey(Schema.NullOr(Schema.Finite)).annotateKey({
    description: "as the browser has it; it is not used, because the push service says when a subscription has ended",
  }),
  keys: Schema.Struct({
    p256dh: Base64Url.annotateKey({ description: "a point of P-256, 65 bytes in base64url" }),
    auth: Base64Url.annotateKey({ description: "16 bytes in base64url" }),
  }),
})

export const SubscriptionAnswer = Schema.Struct({
  id: Id,
  service: Schema.String.annotateKey({ description: "the host of the push service" }),
  userAgent: Schema.NullOr(Schema.String),
  createdAt: Schema.String,
})

export const PushKey = Schema.Struct({
  publicKey: Schema.NullOr(Schema.String).annotateKey({
    description: "the `applicationServerKey` for `pushManager.subscribe`; null: no push messages are sent here",
  }),
})

/** The keys as bytes. Throws InvalidInput. */
export function browserKeysOf({ keys }: typeof SubscriptionInput.Type): BrowserKeys {
  const [p256dh, auth] = [Buffer.from(keys.p256dh, "base64url"), Buffer.from(keys.auth, "base64url")]
  const faults: Fault[] = []
  if (!isPoint(p256dh))
    faults.push({ path: "body.keys.p256dh", message: "Expected a point of P-256, uncompressed, in 65 bytes" })
  if (auth.length !== 16) faults.push({ path: "body.keys.auth", message: "Expected 16 bytes" })
  if (faults.length > 0) throw new InvalidInput(faults)
  return { p256dh, auth }
}
