/** Staff read what agents say, and decide about a proposal. */
import * as Schema from "effect/Schema"
import { type Member, requireStaffMember } from "#access/caller.ts"
import type { Queryable } from "#base/database/db.ts"
import type { Tx } from "#base/database/transaction.ts"
import { NotFound, WrongState } from "#base/errors.ts"
import { Id, Instant, Text } from "#base/schema/fact-fields.ts"
import { keyAfter, type Page, pageLimitOf, pageOf, pageQuery } from "#base/schema/page.ts"
import { WrittenNote } from "#base/schema/request-fields.ts"
import { waiveNoShow } from "#domain/booking/attendance/no-shows.ts"
import { type AgentReportRow, decideAgentReport, findAgentReports, lockAgentReport } from "./rows.ts"

const status = Schema.Literals(["said", "open", "accepted", "dismissed"])

export const AgentReportQuery = Schema.Struct({ ...pageQuery, status: Schema.optionalKey(status) })
export type AgentReportQuery = typeof AgentReportQuery.Type

export const AgentDecision = Schema.Struct({
  decision: Schema.Literals(["accept", "dismiss"]).annotate({ description: "accept carries the proposal out" }),
  reason: Schema.optionalKey(WrittenNote),
})
export type AgentDecision = typeof AgentDecision.Type

export const AgentReport = Schema.Struct({
  id: Id,
  agent: Schema.Literals(["EnforcementAgent", "MonitoringAgent"]),
  subjectId: Id.annotate({ description: "the booking of the strike, or the facility" }),
  lines: Schema.Array(Text),
  proposal: Schema.NullOr(Schema.Literals(["keep", "waive"])),
  status,
  ruleBased: Schema.Boolean,
  madeAt: Instant,
  decidedAt: Schema.NullOr(Instant),
  decidedBy: Schema.NullOr(Id),
  reason: Schema.NullOr(Text),
}).annotate({ identifier: "AgentReport" })
export type AgentReport = typeof AgentReport.Type

/** The latest first, for staff. Throws NotAllowed. */
export async function listAgentReports(
  db: Queryable,
  member: Member,
  query: AgentReportQuery,
): Promise<Page<AgentReport>> {
  requireStaffMember(member)
  const limit = pageLimitOf(query)
  const [after] = keyAfter(query, Schema.Tuple([Id])) ?? []
  const filter = { after, limit: limit + 1, ...(query.status !== undefined && { status: query.status }) }
  return pageOf(await findAgentReports(db, member.facilityId, filter), limit, ({ id }) => [id], toAgentReport)
}

/**
 * Accepts a proposal, which waives the strike or leaves it, or dismisses it, which leaves it.
 * @throws NotAllowed, NotFound, WrongState (report_decided, and those of waiving)
 */
export async function decideReport(
  tx: Tx,
  member: Member,
  id: string,
  { decision, reason }: AgentDecision,
): Promise<AgentReport> {
  requireStaffMember(member)
  const report = await lockAgentReport(tx, member.facilityId, id)
  if (!report) throw new NotFound("agent report", id)
  if (report.status !== "open") throw new WrongState("report_decided", "There is nothing left to decide about it.")
  if (decision === "accept" && report.proposal === "waive")
    await waiveNoShow(tx, member, report.subject_id, { reason: reason ?? "Accepted as proposed" })
  const decided = { by: member.caller.userId, why: reason ?? null }
  const status = decision === "accept" ? "accepted" : "dismissed"
  return toAgentReport(await decideAgentReport(tx, member.facilityId, id, { ...decided, status }))
}

const toAgentReport = (row: AgentReportRow): AgentReport => ({
  id: row.id,
  agent: row.agent,
  subjectId: row.subject_id,
  lines: row.lines,
  proposal: row.proposal,
  status: row.status,
  ruleBased: true,
  madeAt: row.made_at.toISOString(),
  decidedAt: row.decided_at?.toISOString() ?? null,
  decidedBy: row.decided_by,
  reason: row.decided_why,
})
