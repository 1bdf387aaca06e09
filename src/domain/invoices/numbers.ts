/**
 * The numbers of papers. A seller's counter is a row. It is locked until the paper's transaction ends, so a rolled back
 * paper gives its number back, and numbers have no gap. Whoever issues several papers locks their sellers first, in one
 * order, so that two transactions cannot wait for each other.
 * Writes: invoice_counters.
 */
import type { Tx } from "#base/database/transaction.ts"

export type Numbering = "yearly" | "continuous"

/** Letters before the number, 1 to 8. Digits are refused: with them numbers of two series could be the same text. */
export const prefixPattern = /^[A-Z]{1,8}$/u

/** More digits come by themselves: the number after INV-2026-99999 is INV-2026-100000. */
const leastDigits: Readonly<Record<Numbering, number>> = { yearly: 5, continuous: 6 }

export interface PaperNumber {
  readonly number: string
  /** 0: the number is continuous. */
  readonly year: number
  readonly counter: number
}

/** Locks the counters of all sellers, made at their first use. */
export async function lockCounters(tx: Tx, sellerIds: readonly string[]): Promise<void> {
  const ids = [...new Set(sellerIds)].sort()
  await tx`
    insert into slotbase.invoice_counters (facility_id) select id from unnest(${ids}::uuid[]) as s (id)
    on conflict do nothing`
  await tx`
    select from slotbase.invoice_counters where facility_id = any (${ids}::uuid[]) order by facility_id for update`
}

/** Takes the next number of a seller whose counter is locked. A clock that goes back begins no year anew. */
export async function takeNumber(
  tx: Tx,
  sellerId: string,
  { prefix, numbering, year }: { readonly prefix: string; readonly numbering: Numbering; readonly year: number },
): Promise<PaperNumber> {
  const [row] = await tx<{ year: number; of_year: number; continuous: number }[]>`
    update slotbase.invoice_counters
    set year = case when ${numbering} = 'yearly' then greatest(year, ${year}) else year end,
        of_year = case when ${numbering} <> 'yearly' then of_year when ${year} > year then 1 else of_year + 1 end,
        continuous = continuous + case when ${numbering} = 'yearly' then 0 else 1 end
    where facility_id = ${sellerId}
    returning year, of_year, continuous`
  if (!row) throw new Error("takeNumber: the counter of the seller is not locked")
  const [inYear, counter] = numbering === "yearly" ? [row.year, row.of_year] : [0, row.continuous]
  const digits = String(counter).padStart(leastDigits[numbering], "0")
  return { number: [prefix, ...(inYear === 0 ? [] : [inYear]), digits].join("-"), year: inYear, counter }
}
