// The header that a webhook adds: every accepted name arrives with its value, and the others are refused.

import { afterAll, expect, test } from "bun:test"
import * as Schema from "effect/Schema"
import { makeAttempt } from "#actors/deliveries/attempt.ts"
import type { ClaimedDelivery } from "#actors/deliveries/delivery.ts"
import { newId } from "#base/ids.ts"
import { secretBox } from "#base/secrets.ts"
import { authOf, sealAuth } from "#outbound/webhooks/auth.ts"
import { AuthConfig } from "#outbound/webhooks/input.ts"
import { startReceiver } from "#test/harness/outside/receiver.ts"

const inbox = startReceiver()
afterAll(() => inbox.stop())

const secrets = secretBox(new Uint8Array(32).fill(7))
const accepts = Schema.is(AuthConfig)

const refused = [
  ...["Host", "Content-Type", "Content-Length", "Content-Encoding", "Transfer-Encoding", "Connection", "Keep-Alive"],
  ...["Upgrade", "TE", "Trailer", "Expect", "Accept-Encoding", "User-Agent", "HTTP2-Settings", "Close", "__proto__"],
  ...["Proxy-Authenticate", "Proxy-Authorization", "Proxy-Connection", "X-SlotBase-Event", "x-slotbase-own"],
  ...["ce-id", "CE-Type", "ce-anything"],
  ...["Webhook-Id", "webhook-signature", "", "a b", "a:b", "ü", "a\n"],
]
/** Names that a library might treat as its own, and the names that every object has. */
const accepted = [
  ...[
    "Authorization",
    "X-Api-Key",
    "Cookie",
    "Cookie2",
    "Set-Cookie",
    "Date",
    "DNT",
    "Origin",
    "Referer",
    "Via",
    "From",
  ],
  ...["Accept", "Accept-Charset", "Accept-Language", "Age", "Allow", "Cache-Control", "Pragma", "Range", "If-Match"],
  ...["ETag", "Forwarded", "X-Forwarded-For", "X-Real-IP", "Sec-Fetch-Mode", "Sec-WebSocket-Key", "Location", "Link"],
  ...["Access-Control-Request-Headers", "Access-Control-Request-Method", "Content-Language", "Content-MD5", "Vary"],
  ...["constructor", "prototype", "toString", "hasOwnProperty", "valueOf", "__defineGetter__", "a", "!#$%&'*+.^_`|~-"],
]

test("a header of SlotBase or of the connection is refused, and so is a name that no request could carry", () => {
  expect(refused.filter((headerName) => accepts({ headerName, headerValue: "1" }))).toEqual([])
})

test("every accepted header arrives with its value", async () => {
  for (const headerName of accepted) {
    expect({ headerName, accepted: accepts({ headerName, headerValue: "the value" }) }).toEqual({
      headerName,
      accepted: true,
    })
    const result = await attempt({ headerName, headerValue: "the value" })
    const arrived = inbox.received.at(-1)?.headers.get(headerName)
    expect({ headerName, outcome: result.outcome, arrived }).toEqual({
      headerName,
      outcome: "delivered",
      arrived: "the value",
    })
  }
  expect(inbox.received).toHaveLength(accepted.length)
})

function attempt(config: AuthConfig) {
  const id = newId()
  const webhook = {
    id,
    url: inbox.url,
    method: "POST",
    auth_type: "header",
    auth_config: sealAuth(secrets, id, authOf("header", config)),
    max_retries: 0,
    retry_delay_ms: 100,
    backoff_multiplier: 1,
  }
  const delivery = {
    attempt_id: newId(),
    event_id: newId(),
    sequence: 1,
    position: 1,
    failures: 0,
    webhook,
    event: { type: "booking.confirmed", body: "{}" },
  }
  return makeAttempt(delivery as unknown as ClaimedDelivery, {
    secrets,
    allow: ["127.0.0.0/8"],
    signal: new AbortController().signal,
    random: () => 0.5,
    timeoutMs: 5_000,
    bodyOf: async () => undefined,
  })
}
