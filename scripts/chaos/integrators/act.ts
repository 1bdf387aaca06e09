// What an act of the integrators has at hand, and what it leaves behind.

import type { Customers } from "#scripts/chaos/customers.ts"
import type { Database } from "#scripts/chaos/database.ts"
import type { IntegratorReceiver } from "./receiver.ts"

/** The webhooks that live as long as the campaign; the names are the ends of their addresses. */
export const lasting = ["ordered", "patient", "steered"] as const
export type Lasting = (typeof lasting)[number]

export interface Desk {
  readonly customers: Customers
  readonly database: Database
  readonly receiver: IntegratorReceiver
  readonly random: () => number
  /** Ids of the lasting webhooks. */
  readonly ids: Readonly<Record<Lasting, string>>
  /** Sends a request until it is answered. An answer with another status is a trouble. */
  readonly ask: Ask
  readonly noted: Noted
}

export type Ask = (
  method: "POST" | "DELETE",
  path: string,
  body: unknown,
  expected: readonly number[],
) => Promise<{ readonly status: number; readonly body: Record<string, unknown> }>

/** What the answers said, to be compared with the tables. */
export interface Noted {
  /** Deliveries that were sent again by hand. */
  readonly resends: Set<string>
  readonly replays: Set<string>
  /** Webhooks that were deleted. */
  readonly deleted: Set<string>
  /** REST hooks whose receivers are gone. */
  readonly gone: Set<string>
}

export type Act = (desk: Desk) => Promise<unknown>

/** Sends a job of pg-boss as its cron does: at most one waits. */
export const sendJob = ({ db }: Database, name: string) => db`
  insert into pgboss.job (name, policy) values (${name}, 'short') on conflict do nothing`
