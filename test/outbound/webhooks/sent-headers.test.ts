// The headers of an attempt as it sent them, kept in short and read in full.

import { expect, test } from "bun:test"
import { headersIn, requestHead } from "#base/egress/request-head.ts"
import type { OpenedAuth } from "#outbound/webhooks/auth.ts"
import {
  headerDifference,
  sentHeaders,
  signedDifference,
  type UsualAttempt,
} from "#outbound/webhooks/deliveries/sent-headers.ts"
import { authHeaders, plainHeaders } from "#outbound/webhooks/request.ts"

const attempt: UsualAttempt = {
  attemptId: "a",
  eventId: "e",
  eventType: "booking.confirmed",
  sequence: 1,
  position: 2,
  replay: 0,
  epoch: "log",
  url: "https://example.com:8443/hook?token=t",
  timestamp: 1_800_000_000,
  signature: null,
  payload: '{"name":"Jürgen"}',
}
const usual: Readonly<Record<string, string>> = {
  Host: "example.com:8443",
  ...plainHeaders(attempt, attempt.timestamp),
  Accept: "*/*",
  "Accept-Encoding": "identity",
  Connection: "keep-alive",
  "Content-Length": "18",
}
const plain = plainHeaders(attempt, attempt.timestamp)
const about = { eventId: "e", body: attempt.payload ?? "", timestamp: attempt.timestamp }
const pairs = (headers: Readonly<Record<string, string>>) => Object.entries(headers)

test("the usual headers cost nothing, and are read in full", () => {
  expect(headerDifference(pairs(usual), attempt, [])).toBeUndefined()
  expect(sentHeaders(null, attempt)).toEqual(usual)
})

test("a credential is hidden, also when its header has a usual name", () => {
  const sent = { ...usual, Authorization: "Bearer secret", "User-Agent": "secret" }
  const difference = headerDifference(pairs(sent), attempt, ["Authorization", "User-Agent"])
  expect(difference).toEqual({ Authorization: "(hidden)", "User-Agent": "(hidden)" })
  expect(sentHeaders(difference ?? null, attempt)).toEqual({ ...usual, ...difference } as Record<string, string>)
})

test("a header that differs, and one that was not sent, are kept", () => {
  const { "X-SlotBase-Position": _, ...others } = usual
  const sent = { ...others, "Content-Type": "text/plain" }
  const difference = headerDifference(pairs(sent), attempt, [])
  expect(difference).toEqual({ "Content-Type": "text/plain", "X-SlotBase-Position": null })
  expect(sentHeaders(difference ?? null, attempt)).toEqual(sent)
})

test("of a signed request only the second signature is kept beside the first", () => {
  const signed = { ...attempt, signature: "abc" }
  const ids = { "webhook-id": "e", "webhook-timestamp": "1800000000", "webhook-signature": "v1,x" }
  const sent = { ...usual, "X-SlotBase-Signature": "abc", ...ids }
  const difference = headerDifference(pairs(sent), signed, [])
  expect(difference).toEqual({ "webhook-signature": "v1,x" })
  expect(sentHeaders(difference ?? null, signed)).toEqual(sent)
})

test("the shortcut for signed requests finds the same difference as the comparison of all headers", () => {
  const secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLwRx"
  const { headers: auth, signature } = authHeaders("signature", { signingSecret: secret }, about)
  const signed = { ...attempt, signature: signature ?? null }
  const { text } = requestHead("POST", "/hook?token=t", "example.com:8443", { ...plain, ...auth }, about.body)
  expect(signedDifference(auth)).toEqual({ "webhook-signature": auth["webhook-signature"] ?? "" })
  expect(headerDifference(headersIn(text), signed, [])).toEqual(signedDifference(auth))
})

test("the shortcut is not taken for a secret of another form, during a rotation, and without a signature", () => {
  const [standard, plainSecret] = ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLwRx", "a secret of another form"]
  const signed = (config: OpenedAuth) => signedDifference(authHeaders("signature", config, about).headers)
  expect(signed({ signingSecret: plainSecret })).toBeUndefined()
  expect(signed({ signingSecret: standard, nextSecret: plainSecret })).toBeUndefined()
  expect(signedDifference(authHeaders("bearer", { bearerToken: "t" }, about).headers)).toBeUndefined()
})

test("an attempt that sent nothing has no headers", () => {
  expect(sentHeaders({}, attempt)).toEqual({})
})
