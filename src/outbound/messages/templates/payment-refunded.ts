/** payment.refunded, to whoever paid: money that goes back, and that no other message has told. */
import type { Template } from "./template.ts"
import { seePapers } from "./values.ts"

const amount = `{{ data.amount | money: data.currency }}`

export const paymentRefunded: Template = {
  en: {
    subject: `Refund: ${amount} from {{ facility.name }}`,
    short: `{{ facility.name }} refunded ${amount} to you.`,
    heading: `You get money back`,
    lead: `{{ facility.name }} refunded ${amount} of your payment. You need not do anything.`,
    note: `It goes back the way it was paid. A bank takes some days to show it.`,
  },
  de: {
    subject: `Erstattung: ${amount} von {{ facility.name }}`,
    short: `{{ facility.name }} hat dir ${amount} erstattet.`,
    heading: `Du bekommst Geld zurück`,
    lead: `{{ facility.name }} hat dir ${amount} deiner Zahlung erstattet. Du musst nichts weiter tun.`,
    note: `Das Geld geht auf demselben Weg zurück, auf dem bezahlt wurde. Bei der Bank ist es nach einigen Tagen zu sehen.`,
  },
  facts: [
    ["amount", amount],
    ["date", `{{ occurredAt | local_time: facility.timezone }}`],
    ["reason", `{{ data.reason }}`],
    [
      "paidFor",
      `{{ data.referenceType | words }}{% if resource != "" %}: {{ resource }}{% endif %} ({{ data.referenceId | short_id }})`,
    ],
  ],
  action: seePapers,
}
