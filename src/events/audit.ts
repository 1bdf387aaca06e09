/**
 * The audit trail: who did what, when, from where, with which key, to what. A row is written by the statement that
 * travels with the commit of its change. So there is no row without its change.
 * A route declares its action (`described({ audited })`), and its command may add the values before and after.
 * Writes: audit_log.
 */
import { isIP } from "node:net"
import type { Queryable } from "#base/database/db.ts"
import type { Tx } from "#base/database/transaction.ts"
import { isId, newId, platformFacilityId } from "#base/ids.ts"
import type { AuditAction } from "./audit-actions.ts"
import { differenceOf, type Fields } from "./audit-values.ts"
import { eventContextOf } from "./outbox.ts"

export interface AuditEntry {
  readonly action: AuditAction
  /** Default: the platform facility. */
  readonly facilityId?: string
  /** For a change to an organization. */
  readonly organizationId?: string
  /** Default: the part of the action before the full stop. */
  readonly subjectType?: string
  readonly subjectId: string
  /** The actor; default: the one of the transaction's events. */
  readonly actorId?: string
  readonly before?: Fields
  readonly after?: Fields
}

/** What a command says about the row that its route declares. */
export type AuditNote = Partial<Omit<AuditEntry, "action">>

/** Adds a row in the transaction of its change. The calling transaction was opened with `transact`. */
export function audit(tx: Tx, entry: AuditEntry): void {
  const entries = entriesOf(tx)
  const { correlationId, userId, clientIp, userAgent, request } = eventContextOf(tx)
  const { before, after } = differenceOf(entry.before, entry.after)
  const id = newId()
  entries.push({
    id,
    facility_id: entry.facilityId ?? platformFacilityId,
    organization_id: entry.organizationId ?? null,
    actor_id: entry.actorId ?? userId ?? null,
    api_key_id: request?.apiKeyId ?? null,
    client_address: clientAddressOf(clientIp),
    user_agent: userAgent?.slice(0, maxUserAgent) ?? null,
    correlation_id: correlationId,
    method: request?.method ?? null,
    route: request?.route ?? null,
    action: entry.action,
    subject_type: entry.subjectType ?? entry.action.slice(0, entry.action.indexOf(".")),
    subject_id: isId(entry.subjectId) ? entry.subjectId.toLowerCase() : entry.subjectId.slice(0, maxSubject),
    before,
    after,
  })
}

/**
 * Says more about the row of the route: the values before and after, the facility, the thing. "nothing": the command
 * changed nothing, and there is no row. Without a declaring route a note has no effect.
 */
export function noteChange(tx: Tx, note: AuditNote | "nothing"): void {
  const known = notes.get(tx)
  notes.set(tx, note === "nothing" || known === "nothing" ? note : { ...known, ...note })
}

/** What the command of this transaction said about its row. */
export const noteOf = (tx: Tx): AuditNote | "nothing" | undefined => notes.get(tx)

/** An address or a network as PostgreSQL reads it: without a zone, and IPv4 as IPv4. Null for anything else. */
export function clientAddressOf(client: string | undefined): string | null {
  const plain = (client ?? "").replace(/%.*$/, "").replace(/^::ffff:(?=\d+\.)/i, "")
  return isIP(plain.replace(/\/\d{1,3}$/, "")) === 0 ? null : plain
}

const maxUserAgent = 256
const maxSubject = 200

interface Row {
  readonly id: string
  readonly facility_id: string
  readonly [column: string]: unknown
}
const notes = new WeakMap<Queryable, AuditNote | "nothing">()
const transactions = new WeakMap<Tx, Row[]>()

/** The rows of this transaction. The first call has them written with the commit. */
function entriesOf(tx: Tx): Row[] {
  const present = transactions.get(tx)
  if (present) return present
  const rows: Row[] = []
  transactions.set(tx, rows)
  tx.beforeCommit((last) => write(last, rows))
  return rows
}

const write = (tx: Tx, rows: readonly Row[]) => tx`
  insert into slotbase.audit_log (id, facility_id, organization_id, at, actor_id, actor_kind, api_key_id, client_address,
    user_agent, correlation_id, method, route, action, subject_type, subject_id, before, after)
  select r.id, r.facility_id, r.organization_id, slotbase.time_of(r.id), r.actor_id, coalesce(u.kind, 'system'),
         r.api_key_id, r.client_address, r.user_agent, r.correlation_id, r.method, r.route, r.action, r.subject_type,
         r.subject_id, r.before, r.after
  from jsonb_to_recordset(${tx.json(rows as never)}) as r (
    id uuid, facility_id uuid, organization_id uuid, actor_id uuid, api_key_id uuid, client_address inet, user_agent text,
    correlation_id uuid, method text, route text, action text, subject_type text, subject_id text, before jsonb,
    after jsonb)
  left join slotbase.users u on u.id = r.actor_id
  order by r.id`
