// Invoices and credit notes, their files, and who stands on them.

import { sellerSettings } from "#test/harness/club/invoices.ts"
import { admins, known, members, platform, type Row, staff } from "#test/whole/authorization/row.ts"

const f = "/v1/facilities/:facilityId"
const pays = { own: "M", child: "pay", refused: 404 } as const
const address = { name: "Keller GmbH", street: "Seestrasse 7", postcode: "8002", city: "Zürich", country: "CH" }

export const invoiceRows: readonly Row[] = [
  [`GET ${f}/invoices`, members],
  [`GET ${f}/invoices/:invoiceId`, staff, pays],
  [`GET ${f}/invoices/:invoiceId/pdf`, staff, pays],
  [`GET ${f}/invoices/:invoiceId/xml`, staff, pays],
  [`GET ${f}/invoice-export`, staff, { query: "month=2027-05" }],
  [`GET ${f}/payments/aging`, staff],
  ["GET /v1/me/invoices", known],
  ["GET /v1/me/invoices/:invoiceId/pdf", "", { own: "M", refused: 404 }],
  ["GET /v1/me/invoices/:invoiceId/xml", "", { own: "M", refused: 404 }],
  [`GET ${f}/invoice-settings`, admins],
  [`PUT ${f}/invoice-settings`, admins, { body: () => sellerSettings }],
  ["GET /v1/invoice-settings", platform],
  ["PUT /v1/invoice-settings", platform, { body: () => sellerSettings }],
  [`GET ${f}/billing-accounts/:billingAccountId/invoice-address`, staff, pays],
  [
    `PUT ${f}/billing-accounts/:billingAccountId/invoice-address`,
    staff,
    { own: "M", refused: 404, body: () => address },
  ],
]
