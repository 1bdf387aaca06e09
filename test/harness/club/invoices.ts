// Papers of payments, without waiting for the handler.

import type { Db } from "#base/database/db.ts"
import { invoicePayment } from "#domain/invoices/of-money.ts"

/** The id of a payment's invoice, issued now. */
export async function invoiceOf(db: Db, facilityId: string, paymentId: string): Promise<string> {
  const paper = await db.begin((tx) => invoicePayment(tx, facilityId, paymentId))
  return paper?.id ?? "no invoice was issued"
}

/** What a facility says of itself, so that its papers are invoices with XML. */
export const sellerSettings = {
  legalName: "Padel Mitte GmbH",
  street: "Invalidenstraße 44",
  postcode: "10115",
  city: "Berlin",
  country: "DE",
  vatId: "DE123456789",
  exemptionReason: "steuerfrei nach § 4 Nr. 22 UStG",
}
