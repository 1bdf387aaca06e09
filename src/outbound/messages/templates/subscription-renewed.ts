/** subscription.renewed, to the facility's administrators. */
import type { Template } from "./template.ts"

export const subscriptionRenewed: Template = {
  en: {
    subject: `The subscription of {{ facility.name }} was renewed: {{ data.amount | money: data.currency }}`,
    short: `The subscription of {{ facility.name }} was renewed until {{ data.newPeriodEnd | local_time: facility.timezone }}.`,
    heading: `The subscription was renewed`,
    lead: `The subscription of {{ facility.name }} went into its next period.`,
    note: "",
  },
  de: {
    subject: `Das Abo von {{ facility.name }} wurde verlängert: {{ data.amount | money: data.currency }}`,
    short: `Das Abo von {{ facility.name }} wurde bis {{ data.newPeriodEnd | local_time: facility.timezone }} verlängert.`,
    heading: `Das Abo wurde verlängert`,
    lead: `Das Abo von {{ facility.name }} geht in die nächste Laufzeit.`,
    note: "",
  },
  facts: [
    ["amount", `{{ data.amount | money: data.currency }}`],
    ["until", `{{ data.newPeriodEnd | local_time: facility.timezone }}`],
    ["reference", `{{ data.subscriptionId | short_id }}`],
  ],
}
