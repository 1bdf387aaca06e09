/**
 * Who is asked for the debts of people: the owner of their billing account, or for a child the parents who may pay.
 * Reads only, but for accounts that are made at their first use (accounts.ts).
 */
import type { Queryable } from "#base/database/db.ts"
import type { Tx } from "#base/database/transaction.ts"
import { accountIdOf } from "./accounts.ts"

export interface Debtor {
  readonly accountId: string
  /** The owner of the account, unless the parents are asked. */
  readonly payerId: string | undefined
  readonly parentIds: readonly string[]
}

/** By person. Throws NotFound for a person that there is not. */
export async function debtorsOf(
  tx: Tx,
  facilityId: string,
  people: readonly string[],
): Promise<ReadonlyMap<string, Debtor>> {
  const accounts = new Map<string, string>()
  for (const person of [...new Set(people)].sort()) accounts.set(person, await accountIdOf(tx, facilityId, person))
  const payers = await payersOfAccounts(tx, facilityId, [...new Set(accounts.values())])
  return new Map([...accounts].map(([person, accountId]) => [person, { accountId, ...askedFor(payers, accountId) }]))
}

/** Who is asked for what an account owes. */
export async function payerOfAccount(
  db: Queryable,
  facilityId: string,
  accountId: string,
): Promise<Omit<Debtor, "accountId">> {
  return askedFor(await payersOfAccounts(db, facilityId, [accountId]), accountId)
}

interface Payer {
  readonly id: string
  readonly owner_id: string | null
  readonly parents: readonly string[]
}

function askedFor(payers: ReadonlyMap<string, Payer>, accountId: string): Omit<Debtor, "accountId"> {
  const { owner_id = null, parents = [] } = payers.get(accountId) ?? {}
  return { payerId: parents.length > 0 ? undefined : (owner_id ?? undefined), parentIds: parents }
}

async function payersOfAccounts(
  db: Queryable,
  facilityId: string,
  ids: readonly string[],
): Promise<ReadonlyMap<string, Payer>> {
  const rows = await db<Payer[]>`
    select a.id, a.owner_id,
           array(select l.parent_id from slotbase.child_links l
                 where l.child_id = a.owner_id and l.status = 'linked' and 'pay' = any (l.permissions)
                   and (l.facility_id is null or l.facility_id = a.facility_id)
                 order by l.parent_id) as parents
    from slotbase.billing_accounts a
    where a.id = any (${[...ids]}::uuid[]) and a.facility_id = ${facilityId}`
  return new Map(rows.map((row) => [row.id, row]))
}
