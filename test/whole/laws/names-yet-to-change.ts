/**
 * A list that shrinks: what does not keep the laws of prose yet. An entry that is not needed any more fails, so
 * that mending its last place takes it out. With the last entry this file goes.
 */

import type { Exceptions } from "./law.ts"

export const roomsWithWideComments = yet([
  "scripts",
  "src/access",
  "src/base",
  "src/cli",
  "src/domain/booking",
  "src/domain/closures",
  "src/domain/club",
  "src/domain/coaching",
  "src/domain/ledger",
  "src/domain/payments",
  "src/domain/people",
  "src/domain/plans",
  "src/domain/subscriptions",
  "src/events",
  "src/http",
  "src/main.ts",
  "src/operations",
  "src/outbound/feed",
  "src/outbound/live",
  "src/outbound/messages",
  "src/outbound/webhooks",
  "test",
  "sql",
])

export const roomsWithLongSentences = yet([
  "scripts",
  "src/access",
  "src/base",
  "src/cli",
  "src/domain/booking",
  "src/domain/closures",
  "src/domain/club",
  "src/domain/coaching",
  "src/domain/ledger",
  "src/domain/payments",
  "src/domain/people",
  "src/domain/plans",
  "src/domain/subscriptions",
  "src/events",
  "src/http",
  "src/main.ts",
  "src/operations",
  "src/outbound/feed",
  "src/outbound/live",
  "src/outbound/messages",
  "src/outbound/webhooks",
  "test",
  "sql",
  "README.md",
])

function yet(names: readonly string[]): Exceptions {
  return Object.fromEntries(names.map((name) => [name, "not changed yet"]))
}
