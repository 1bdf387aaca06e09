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
import { type EventContext, eventContextOf } from "./outbox.ts"

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
  readonly actorKind?: "person"
  readonly before?: Fields
  readonly after?: Fields
}

/** What a command says about the row that its route declares. */
export type AuditNote = Partial<Omit<AuditEntry, "action">>

/** Adds a row in the transaction of its change. The calling transaction was opened with `transact`. */
export function audit(tx: Tx, entry: AuditEntry): void {
  entriesOf(tx).push(rowOf(entry, eventContextOf(tx)))
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

type Row = ReturnType<typeof rowOf>
const notes = new WeakMap<Queryable, AuditNote | "nothing">()
const transactions = new WeakMap<Tx, Row[]>()

function rowOf(entry: AuditEntry, { correlationId, userId, clientIp, userAgent, request }: EventContext) {
  const { action, subjectId } = entry
  return {
    id: newId(),
    facilityId: entry.facilityId ?? platformFacilityId,
    organizationId: entry.organizationId ?? null,
    actorId: entry.actorId ?? userId ?? null,
    actorKind: entry.actorKind ?? request?.actorKind ?? "system",
    apiKeyId: request?.apiKeyId ?? null,
    clientAddress: clientAddressOf(clientIp),
    userAgent: userAgent?.slice(0, maxUserAgent) ?? null,
    correlationId,
    method: request?.method ?? null,
    route: request?.route ?? null,
    action,
    subjectType: entry.subjectType ?? action.slice(0, action.indexOf(".")),
    subjectId: isId(subjectId) ? subjectId.toLowerCase() : subjectId.slice(0, maxSubject),
    ...differenceOf(entry.before, entry.after),
  }
}

/** The rows of this transaction. The first call has them written with the commit. */
function entriesOf(tx: Tx): Row[] {
  const present = transactions.get(tx)
  if (present) return present
  const rows: Row[] = []
  transactions.set(tx, rows)
  tx.beforeCommit((last) => write(last, rows))
  return rows
}

// One statement per row: plain values cost half of a row that PostgreSQL reads from JSON. Most commands have one row.
const write = (tx: Tx, rows: readonly Row[]) =>
  rows.map(
    (r) => tx`
      insert into slotbase.audit_log (id, facility_id, organization_id, at, actor_id, actor_kind, api_key_id,
        client_address, user_agent, correlation_id, method, route, action, subject_type, subject_id, before, after)
      values (${r.id}, ${r.facilityId}, ${r.organizationId}, slotbase.time_of(${r.id}), ${r.actorId}, ${r.actorKind},
        ${r.apiKeyId}, ${r.clientAddress}, ${r.userAgent}, ${r.correlationId}, ${r.method}, ${r.route}, ${r.action},
        ${r.subjectType}, ${r.subjectId}, ${json(tx, r.before)}, ${json(tx, r.after)})`,
  )

const json = (tx: Tx, fields: Fields | null) => (fields === null ? null : tx.json(fields as never))
