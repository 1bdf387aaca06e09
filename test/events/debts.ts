/** The fields of the event types about what is owed to a facility. */
import type { Fields } from "./kinds.ts"

const asked = { billingAccountId: "id", "payerId?": "id", parentIds: "ids" } as const
const payTo = { "accountHolder?": "text", "iban?": "text" } as const
const agingStage = ["30_days", "60_days", "90_days"] as const
export const debts: { readonly [type: string]: Fields } = {
  "booking.payment_overdue": {
    bookingId: "id",
    facilityId: "id",
    resourceId: "id",
    resourceName: "text",
    bookerId: "id",
    bookerName: "text",
    ...asked,
    startAt: "instant",
    endAt: "instant",
    stage: agingStage,
    ageDays: "count",
    amount: "money",
    currency: "currency",
    ...payTo,
  },
  "facility.payments_overdue": {
    facilityId: "id",
    day: "day",
    count: "count",
    totals: { of: { stage: agingStage, currency: "currency", count: "count", amount: "money" } },
    debts: {
      of: {
        bookingId: "id",
        bookerName: "text",
        startAt: "instant",
        stage: agingStage,
        amount: "money",
        currency: "currency",
      },
    },
  },
  "invoice.issued": {
    invoiceId: "id",
    facilityId: "id",
    number: "text",
    ...asked,
    periodStart: "day",
    periodEnd: "day",
    bookings: "count",
    amount: "money",
    currency: "currency",
    dueOn: "day",
    ...payTo,
  },
  "facility.active_users_closed": {
    facilityId: "id",
    month: "day",
    users: "count",
    "limit?": "count",
    nextMonth: "day",
  },
}
