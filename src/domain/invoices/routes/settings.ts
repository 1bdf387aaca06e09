/** Who sells and how papers are numbered, and the address that a payer wants on them. */
import { Elysia } from "elysia"
import { requireAdmin, requireMember, requirePlatformAdmin } from "#access/caller.ts"
import { platformFacilityId } from "#base/ids.ts"
import {
  getInvoiceAddress,
  InvoiceAddress,
  KnownInvoiceAddress,
  putInvoiceAddress,
} from "#domain/invoices/addresses.ts"
import {
  InvoiceSettings,
  InvoiceSettingsInput,
  invoiceSettingsOf,
  putInvoiceSettings,
} from "#domain/invoices/seller.ts"
import type { App } from "#http/app.ts"
import { described } from "#http/describe.ts"
import { facilityIdOf, idOf } from "#http/path.ts"
import { api } from "#http/route.ts"

const tag = "Invoices"

export const invoiceSettingsRoutes = (app: App) =>
  new Elysia({ name: "invoice-settings" })
    .use(api(app))
    .get(
      "/v1/facilities/:facilityId/invoice-settings",
      async ({ caller, params }) => {
        const { facilityId } = requireAdmin(await caller(), facilityIdOf(params.facilityId))
        return invoiceSettingsOf(app.db, facilityId)
      },
      described({
        tag,
        summary: "Read the seller on a facility's invoices",
        description: "For administrators. Papers are receipts until the seller is known.",
        answer: InvoiceSettings,
      }),
    )
    .put(
      "/v1/facilities/:facilityId/invoice-settings",
      async ({ command, caller, input, body, params }) => {
        const { facilityId } = requireAdmin(await caller(), facilityIdOf(params.facilityId))
        const settings = input(InvoiceSettingsInput, body)
        return command((tx) => putInvoiceSettings(tx, facilityId, settings))
      },
      described({
        tag,
        summary: "Set the seller on a facility's invoices",
        description:
          "For administrators. Replaces all; what is left out is empty. Papers that were issued stay as they are.",
        body: InvoiceSettingsInput,
        answer: InvoiceSettings,
        audited: "invoice_settings.changed",
      }),
    )
    .get(
      "/v1/invoice-settings",
      async ({ caller }) => {
        requirePlatformAdmin(await caller())
        return invoiceSettingsOf(app.db, platformFacilityId)
      },
      described({
        tag,
        summary: "Read the seller on invoices for subscriptions",
        description: "For platform administrators.",
        answer: InvoiceSettings,
      }),
    )
    .put(
      "/v1/invoice-settings",
      async ({ command, caller, input, body }) => {
        requirePlatformAdmin(await caller())
        const settings = input(InvoiceSettingsInput, body)
        return command((tx) => putInvoiceSettings(tx, platformFacilityId, settings))
      },
      described({
        tag,
        summary: "Set the seller on invoices for subscriptions",
        description: "For platform administrators: the platform sells subscriptions.",
        body: InvoiceSettingsInput,
        answer: InvoiceSettings,
        audited: "invoice_settings.changed",
      }),
    )
    .get(
      "/v1/facilities/:facilityId/billing-accounts/:billingAccountId/invoice-address",
      async ({ caller, params }) => {
        const member = requireMember(await caller(), facilityIdOf(params.facilityId))
        return getInvoiceAddress(app.db, member, idOf(params.billingAccountId, "billing account"))
      },
      described({
        tag,
        summary: "Read the address on a payer's invoices",
        answer: KnownInvoiceAddress,
      }),
    )
    .put(
      "/v1/facilities/:facilityId/billing-accounts/:billingAccountId/invoice-address",
      async ({ command, caller, input, body, params }) => {
        const member = requireMember(await caller(), facilityIdOf(params.facilityId))
        const accountId = idOf(params.billingAccountId, "billing account")
        const address = input(InvoiceAddress, body)
        return command((tx) => putInvoiceAddress(tx, member, accountId, address))
      },
      described({
        tag,
        summary: "Set the address on a payer's invoices",
        description: "By the account's owner or staff. Replaces all; later papers have it.",
        body: InvoiceAddress,
        answer: KnownInvoiceAddress,
        audited: { action: "invoice_address.changed", by: "staff" },
      }),
    )
