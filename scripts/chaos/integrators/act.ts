// What an act of the integrators has at hand, and what it leaves behind.

import { newId, platformFacilityId, rootUserId } from "#base/ids.ts"
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

/** Asks for a run of a job, as an administrator does: at most one waits. */
export const sendJob = ({ db }: Database, name: string) => db`
  insert into slotbase.job_runs (id, facility_id, job, trigger, status, requested_by, requested_at)
  values (${newId()}, ${platformFacilityId}, ${name}, 'request', 'requested', ${rootUserId}, slotbase.now())
  on conflict do nothing`
