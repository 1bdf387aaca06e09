/**
 * The name and address that a payer wants on its papers. Without one a paper names the billing account alone, which is
 * enough for a consumer.
 * Writes: invoice_addresses.
 */
import * as Schema from "effect/Schema"
import type { Member } from "#access/caller.ts"
import type { Queryable } from "#base/database/db.ts"
import type { Tx } from "#base/database/transaction.ts"
import { NotFound } from "#base/errors.ts"
import { lineUpTo } from "#base/schema/text-fields.ts"
import { accountName, getBillingAccount, requireOwnAccount } from "#domain/ledger/accounts.ts"
import { noteChange } from "#events/audit.ts"
import type { Buyer } from "./rows.ts"
import { Country, VatId } from "./seller.ts"

export const InvoiceAddress = Schema.Struct({
  name: lineUpTo(200).annotate({ description: "of the person or the company that the papers are for" }),
  street: lineUpTo(200).annotate({ description: "with the number" }),
  postcode: lineUpTo(20),
  city: lineUpTo(100),
  country: Country,
  vatId: Schema.optionalKey(VatId),
  reference: Schema.optionalKey(lineUpTo(100)).annotateKey({
    description: "what the payer wants to read on each paper, such as a cost centre",
  }),
}).annotate({ identifier: "InvoiceAddress" })
export type InvoiceAddress = typeof InvoiceAddress.Type

export const KnownInvoiceAddress = Schema.Struct({
  address: Schema.NullOr(InvoiceAddress).annotateKey({ description: "null: papers name the billing account alone" }),
})

/** Replaces the address. By the account's owner or staff. Throws NotFound, NotAllowed. */
export async function putInvoiceAddress(
  tx: Tx,
  member: Member,
  accountId: string,
  address: InvoiceAddress,
): Promise<typeof KnownInvoiceAddress.Type> {
  const { facilityId } = member
  await requireOwnAccount(tx, member, accountId)
  const before = await addressOf(tx, facilityId, accountId)
  await tx`
    insert into slotbase.invoice_addresses (billing_account_id, facility_id, name, street, postcode, city, country, vat_id, reference)
    values (${accountId}, ${facilityId}, ${address.name}, ${address.street}, ${address.postcode}, ${address.city},
      ${address.country}, ${address.vatId ?? null}, ${address.reference ?? null})
    on conflict (billing_account_id, facility_id) do update set
      name = excluded.name, street = excluded.street, postcode = excluded.postcode, city = excluded.city,
      country = excluded.country, vat_id = excluded.vat_id, reference = excluded.reference, updated_at = slotbase.now()`
  noteChange(tx, { facilityId, ...(before && { before }), after: address })
  return { address }
}

/** Throws NotFound, also for another person's account. */
export async function getInvoiceAddress(
  db: Queryable,
  member: Member,
  accountId: string,
): Promise<typeof KnownInvoiceAddress.Type> {
  await getBillingAccount(db, member, accountId)
  return { address: (await addressOf(db, member.facilityId, accountId)) ?? null }
}

/** The buyer of a paper. Throws NotFound. */
export async function buyerOf(
  db: Queryable,
  facilityId: string,
  accountId: string,
  named: string | undefined,
): Promise<Buyer> {
  const [address, name] = await Promise.all([
    addressOf(db, facilityId, accountId),
    accountName(db, facilityId, accountId),
  ])
  if (name === undefined) throw new NotFound("billing account", accountId)
  return address ?? { name: named ?? name }
}

async function addressOf(db: Queryable, facilityId: string, accountId: string): Promise<InvoiceAddress | undefined> {
  const [row] = await db<{ [K in keyof InvoiceAddress]: string | null }[]>`
    select name, street, postcode, city, country, vat_id as "vatId", reference from slotbase.invoice_addresses
    where billing_account_id = ${accountId} and facility_id = ${facilityId}`
  return row && (Object.fromEntries(Object.entries(row).filter(([, value]) => value !== null)) as InvoiceAddress)
}
