/** The record of what left the system, for administrators of the facility. */
import * as Schema from "effect/Schema"
import { type Caller, requireAdmin } from "#access/caller.ts"
import type { Queryable } from "#base/database/db.ts"
import { Count, Id, Instant, Text } from "#base/schema/fact-fields.ts"
import { keyAfter, type Page, pageLimitOf, pageOf } from "#base/schema/page.ts"

export const AgentCall = Schema.Struct({
  id: Id,
  agent: Text,
  purpose: Schema.Literals(["text", "transcription"]),
  endpoint: Text.annotate({ description: "the host that was asked" }),
  model: Text,
  subjectId: Id.annotate({ description: "the feedback or the file" }),
  aboutChild: Schema.Boolean,
  sent: Schema.Record(Schema.String, Schema.Finite).annotate({ description: "what left, with its sizes" }),
  status: Schema.Literals(["begun", "done", "failed"]),
  requests: Count,
  reservedTokens: Count,
  usedTokens: Count,
  currency: Schema.NullOr(Text).annotate({ description: "null: no price was configured in the facility's currency" }),
  costMillionths: Schema.NullOr(Schema.Finite).annotate({
    description: "what the used tokens cost, in millionths of the currency's minor unit",
  }),
  failure: Schema.NullOr(Text),
  begunAt: Instant,
  endedAt: Schema.NullOr(Instant),
}).annotate({ identifier: "AgentCall" })
export type AgentCall = typeof AgentCall.Type

/** The latest first. Throws NotFound, NotAllowed. */
export async function listAgentCalls(
  db: Queryable,
  caller: Caller,
  facilityId: string,
  query: { readonly limit?: string; readonly after?: string },
): Promise<Page<AgentCall>> {
  requireAdmin(caller, facilityId)
  const limit = pageLimitOf(query)
  const [after] = keyAfter(query, Schema.Tuple([Id])) ?? []
  const rows = await db<Row[]>`
    select id, agent, purpose, endpoint, model, subject_id as "subjectId", about_child as "aboutChild", sent, status,
           requests, reserved as "reservedTokens", used as "usedTokens", currency,
           (used * price)::float8 as "costMillionths", failure, begun_at, ended_at
    from slotbase.agent_calls
    where facility_id = ${facilityId} ${after === undefined ? db`` : db`and id < ${after}`}
    order by id desc limit ${limit + 1}`
  return pageOf(rows, limit, ({ id }) => [id], toCall)
}

type Row = Omit<AgentCall, "begunAt" | "endedAt"> & { readonly begun_at: Date; readonly ended_at: Date | null }

const toCall = ({ begun_at, ended_at, ...call }: Row): AgentCall => ({
  ...call,
  begunAt: begun_at.toISOString(),
  endedAt: ended_at?.toISOString() ?? null,
})
