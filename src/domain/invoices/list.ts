/**
 * Reads papers. Staff see all of a facility. Other members see those that they or their children pay or owe, and those
 * of the billing accounts that they own.
 */
import * as Schema from "effect/Schema"
import { type Caller, childrenOf, type Member } from "#access/caller.ts"
import type { Queryable } from "#base/database/db.ts"
import { NotFound } from "#base/errors.ts"
import { keyAfter, type Page, type PageQuery, pageLimitOf, pageOf } from "#base/schema/page.ts"
import { Id } from "#base/schema/request-fields.ts"
import { type IssuedInvoice, type IssuedInvoiceQuery, toIssuedInvoice } from "./answer.ts"
import { type PaperRow, paperColumns } from "./rows.ts"

/** The newest first. */
export async function listPapers(
  db: Queryable,
  member: Member,
  query: typeof IssuedInvoiceQuery.Type,
): Promise<Page<IssuedInvoice>> {
  const { facilityId } = member
  const { kind, from, to, payerId, billingAccountId, referenceId } = query
  const limit = pageLimitOf(query)
  const after = keyAfter(query, Schema.Tuple([Id]))
  const none = db``
  const rows = await db<PaperRow[]>`
    select ${paperColumns(db)} from slotbase.invoices i
    where i.facility_id = ${facilityId} ${seenBy(db, member)}
      ${kind === undefined ? none : db`and i.kind = ${kind}`}
      ${from === undefined ? none : db`and i.issued_on >= ${from}::text::date`}
      ${to === undefined ? none : db`and i.issued_on <= ${to}::text::date`}
      ${payerId === undefined ? none : db`and i.payer_id = ${payerId}`}
      ${billingAccountId === undefined ? none : db`and i.billing_account_id = ${billingAccountId}`}
      ${referenceId === undefined ? none : db`and i.reference_id = ${referenceId}`}
      ${after === undefined ? none : db`and i.id < ${after[0]}`}
    order by i.id desc
    limit ${limit + 1}`
  return pageOf(rows, limit, (row) => [row.id], toIssuedInvoice)
}

/** The caller's own papers in all facilities, the newest first. */
export async function listMyPapers(
  db: Queryable,
  caller: Caller,
  query: typeof PageQuery.Type,
): Promise<Page<IssuedInvoice>> {
  const limit = pageLimitOf(query)
  const after = keyAfter(query, Schema.Tuple([Id]))
  const rows = await db<PaperRow[]>`
    select ${paperColumns(db)} from slotbase.invoices i
    where (i.payer_id = ${caller.userId} or i.debtor_id = ${caller.userId}
           or exists (select from slotbase.billing_accounts a
                      where a.id = i.billing_account_id and a.facility_id = i.facility_id and a.owner_id = ${caller.userId}))
      ${after === undefined ? db`` : db`and i.id < ${after[0]}`}
    order by i.id desc
    limit ${limit + 1}`
  return pageOf(rows, limit, (row) => [row.id], toIssuedInvoice)
}

/** A paper of the caller's own, also of a facility that the caller has left. Throws NotFound. */
export async function getMyPaper(db: Queryable, caller: Caller, id: string): Promise<PaperRow> {
  const [row] = await db<PaperRow[]>`
    select ${paperColumns(db)} from slotbase.invoices i
    where i.id = ${id}
      and (i.payer_id = ${caller.userId} or i.debtor_id = ${caller.userId}
           or exists (select from slotbase.billing_accounts a
                      where a.id = i.billing_account_id and a.facility_id = i.facility_id and a.owner_id = ${caller.userId}))`
  if (!row) throw new NotFound("invoice", id)
  return row
}

/** Throws NotFound, also for another person's paper. */
export async function getPaper(db: Queryable, member: Member, id: string): Promise<PaperRow> {
  const { facilityId } = member
  const [row] = await db<PaperRow[]>`
    select ${paperColumns(db)} from slotbase.invoices i
    where i.id = ${id} and i.facility_id = ${facilityId} ${seenBy(db, member)}`
  if (!row) throw new NotFound("invoice", id)
  return row
}

/** A condition on the alias `i`. */
function seenBy(db: Queryable, member: Member) {
  if (member.isStaff) return db``
  const people = [member.caller.userId, ...childrenOf(member, "pay")]
  return db`
    and (i.payer_id = any (${people}::uuid[]) or i.debtor_id = any (${people}::uuid[])
         or exists (select from slotbase.billing_accounts a
                    where a.id = i.billing_account_id and a.facility_id = i.facility_id and a.owner_id = any (${people}::uuid[])))`
}
