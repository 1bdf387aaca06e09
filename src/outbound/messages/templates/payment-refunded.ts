/** payment.refunded, to whoever paid: money that goes back, and that no other message has told. */
import type { Template } from "./template.ts"
import { paidFor, seePapers } from "./values.ts"

const byHand = `booking.refundBy == "desk"`
const amount = `{{ data.amount | money: data.currency }}`

export const paymentRefunded: Template = {
  en: {
    subject: `Refund: ${amount} from {{ facility.name }}`,
    short: `{{ facility.name }} refunded ${amount} to you.`,
    heading: `{% if ${byHand} %}You got money back{% else %}You get money back{% endif %}`,
    lead: `{{ facility.name }} {% if ${byHand} %}handed ${amount} of your payment back to you.{% else %}refunded ${amount} of your payment. You need not do anything.{% endif %}`,
    note: `{% if ${byHand} %}If you did not get it, please talk to the club.{% else %}It goes back the way it was paid. A bank takes some days to show it.{% endif %}`,
  },
  de: {
    subject: `Erstattung: ${amount} von {{ facility.name }}`,
    short: `{{ facility.name }} hat dir ${amount} erstattet.`,
    heading: `{% if ${byHand} %}Du hast Geld zurückbekommen{% else %}Du bekommst Geld zurück{% endif %}`,
    lead: `{{ facility.name }} {% if ${byHand} %}hat dir ${amount} deiner Zahlung am Empfang zurückgegeben.{% else %}hat dir ${amount} deiner Zahlung erstattet. Du musst nichts weiter tun.{% endif %}`,
    note: `{% if ${byHand} %}Wenn du es nicht bekommen hast, sprich bitte mit dem Verein.{% else %}Das Geld geht auf demselben Weg zurück, auf dem bezahlt wurde. Bei der Bank ist es nach einigen Tagen zu sehen.{% endif %}`,
  },
  facts: [
    ["amount", amount],
    ["date", `{{ occurredAt | local_time: facility.timezone }}`],
    ["reason", `{{ data.reason }}`],
    ["paidFor", paidFor],
  ],
  action: seePapers,
}
