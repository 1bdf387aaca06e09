/**
 * What agents tell staff in words.
 * Writes: agent_reports.
 */
import type { Queryable } from "#base/database/db.ts"
import type { Tx } from "#base/database/transaction.ts"
import { newId } from "#base/ids.ts"

export interface AgentReportRow {
  readonly id: string
  readonly agent: "EnforcementAgent" | "MonitoringAgent"
  readonly subject_id: string
  readonly lines: readonly string[]
  readonly proposal: "keep" | "waive" | null
  readonly status: "said" | "open" | "accepted" | "dismissed"
  readonly made_at: Date
  readonly decided_at: Date | null
  readonly decided_by: string | null
  readonly decided_why: string | null
}

export type NewAgentReport = Pick<AgentReportRow, "agent" | "subject_id" | "lines" | "proposal"> & {
  readonly facility_id: string
  readonly event_id: string
}

/** False: the event has its report already. */
export async function insertAgentReport(tx: Tx, row: NewAgentReport): Promise<boolean> {
  const made = await tx`
    insert into slotbase.agent_reports (id, facility_id, event_id, agent, subject_id, lines, proposal, status)
    values (${newId()}, ${row.facility_id}, ${row.event_id}, ${row.agent}, ${row.subject_id},
            ${tx.array([...row.lines])}::text[], ${row.proposal}, ${row.proposal === null ? "said" : "open"})
    on conflict do nothing returning id`
  return made.length > 0
}

/** The latest first. */
export const findAgentReports = (
  db: Queryable,
  facilityId: string,
  { after, limit, status }: { readonly after: string | undefined; readonly limit: number; readonly status?: string },
) => db<AgentReportRow[]>`
  select ${columns(db)} from slotbase.agent_reports
  where facility_id = ${facilityId} ${after === undefined ? db`` : db`and id < ${after}`}
    ${status === undefined ? db`` : db`and status = ${status}`}
  order by id desc limit ${limit}`

export async function lockAgentReport(tx: Tx, facilityId: string, id: string): Promise<AgentReportRow | undefined> {
  const [row] = await tx<AgentReportRow[]>`
    select ${columns(tx)} from slotbase.agent_reports where id = ${id} and facility_id = ${facilityId} for update`
  return row
}

export async function decideAgentReport(
  tx: Tx,
  facilityId: string,
  id: string,
  decided: { readonly status: "accepted" | "dismissed"; readonly by: string; readonly why: string | null },
): Promise<AgentReportRow> {
  const [row] = await tx<AgentReportRow[]>`
    update slotbase.agent_reports
    set status = ${decided.status}, decided_at = slotbase.now(), decided_by = ${decided.by}, decided_why = ${decided.why}
    where id = ${id} and facility_id = ${facilityId} returning ${columns(tx)}`
  if (!row) throw new Error("decideAgentReport: the update answered no row")
  return row
}

const columns = (sql: Queryable) => sql`
  id, agent, subject_id, lines, proposal, status, made_at, decided_at, decided_by, decided_why`
