/** subscription.cancelled, to the facility's administrators. */
import type { Template } from "./template.ts"

export const subscriptionCancelled: Template = {
  en: {
    subject: `The subscription of {{ facility.name }} was cancelled`,
    short: `The subscription of {{ facility.name }} ends on {{ data.effectiveDate | local_time: facility.timezone }}.`,
    heading: `The subscription was cancelled`,
    lead: `{% if data.cancelAtPeriodEnd %}The subscription of {{ facility.name }} goes on until the end of its period, and is not renewed.{% else %}The subscription of {{ facility.name }} has ended.{% endif %}`,
    note: "",
  },
  de: {
    subject: `Das Abo von {{ facility.name }} wurde gekündigt`,
    short: `Das Abo von {{ facility.name }} endet am {{ data.effectiveDate | local_time: facility.timezone }}.`,
    heading: `Das Abo wurde gekündigt`,
    lead: `{% if data.cancelAtPeriodEnd %}Das Abo von {{ facility.name }} läuft bis zum Ende der Laufzeit und wird nicht verlängert.{% else %}Das Abo von {{ facility.name }} ist beendet.{% endif %}`,
    note: "",
  },
  facts: [
    ["ends", `{{ data.effectiveDate | local_time: facility.timezone }}`],
    ["reason", `{% if data.cancelReason %}{{ data.cancelReason }}{% endif %}`],
    ["reference", `{{ data.subscriptionId | short_id }}`],
  ],
}
