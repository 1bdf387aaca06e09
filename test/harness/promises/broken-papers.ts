// The questions about papers: each payment and refund that was announced has its paper, once, with its amount. The
// numbers of a seller have no gap and none comes twice, whatever was killed when.

import type { Queryable } from "#base/database/db.ts"
import { ask, type Question } from "./question.ts"

export const paperQuestions = (db: Queryable, after: number): readonly Question[] => [
  ask("P3", "a payment or refund that does not have exactly one paper of its amount", wrongPapers(db, after)),
  ask(
    "P3",
    "a seller whose numbers are not dense",
    db`
      select seller_id, year, min(counter) as first, max(counter) as last, count(*) from slotbase.invoices
      group by seller_id, year having min(counter) <> 1 or max(counter) <> count(*)`,
  ),
  ask(
    "P3",
    "a counter that is not at the last number of its seller",
    db`
      select c.facility_id, c.year, c.of_year, c.continuous, p.of_year as issued_of_year, p.continuous as issued_continuous
      from slotbase.invoice_counters c
      cross join lateral (
        select coalesce(max(counter) filter (where i.year = c.year and i.year > 0), 0) as of_year,
               coalesce(max(counter) filter (where i.year = 0), 0) as continuous
        from slotbase.invoices i where i.seller_id = c.facility_id) p
      where (c.of_year, c.continuous) <> (p.of_year, p.continuous)`,
  ),
]

/** Runs that were skipped had no paper to issue: the payment paid an invoice that was issued before. */
const wrongPapers = (db: Queryable, after: number) => db`
  with due as materialized (
    select p.position, p.type, e.facility_id, (e.data ->> 'amount')::bigint as amount,
           coalesce(e.data ->> 'refundId', e.data ->> 'offlinePaymentId', e.data ->> 'transactionId')::uuid as source_id,
           case p.type when 'payment.refunded' then 'refund' when 'offline_payment.recorded' then 'offline_payment' else 'payment' end
             as source_type
    from slotbase.event_positions p
    join slotbase.events e on e.id = p.event_id and e.facility_id = p.facility_id
    join slotbase.handlers h on h.handler = 'InvoiceHandler' and h.event_type = p.type
      and h.from_position <= p.position and (h.until_position is null or p.position < h.until_position)
    where p.position > ${after} and p.type in ('payment.succeeded', 'offline_payment.recorded', 'payment.refunded')
      and not exists (select from slotbase.handler_history r
                      where r.event_id = p.event_id and r.handler = h.handler and r.status in ('skipped', 'dead_letter'))
  )
  select d.position, d.type, d.source_id, d.amount, count(i.id) as papers, min(i.gross) as gross
  from due d
  left join slotbase.invoices i on i.source_id = d.source_id and i.facility_id = d.facility_id and i.source_type = d.source_type
  group by d.position, d.type, d.source_id, d.amount
  having count(i.id) <> 1 or min(i.gross) <> d.amount`
