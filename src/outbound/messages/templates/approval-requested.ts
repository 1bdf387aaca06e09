/** booking.approval.requested, to the booker, and to the facility's administrators, who decide. */
import type { Template } from "./template.ts"
import { ofChild, reference, you, yourBooking } from "./values.ts"

const booker = `recipient.as == "booker"`

export const approvalRequested: Template = {
  en: {
    subject: `{% if ${booker} %}${yourBooking.en.start} waits for approval{% else %}A booking waits for approval{% endif %}: {{ data.resourceName }}, {{ data.startAt | short_time: data.timezone }}`,
    short: `{% if ${booker} %}{{ facility.name }} has ${ofChild("the", "your")} request{% else %}{{ data.bookerName }} asks{% endif %} for {{ data.resourceName }}: {{ data.startAt | period: data.endAt, data.timezone }}.`,
    heading: `{% if ${booker} %}We have ${ofChild("the", "your")} request{% else %}A booking waits for approval{% endif %}`,
    lead: `{% if ${booker} %}{{ data.resourceName }} is kept for ${you.en} until {{ facility.name }} has decided.{% else %}{{ data.bookerName }} asks for {{ data.resourceName }}. It is kept until you approve or reject the booking.{% endif %}`,
    note: `{% if ${booker} %}You need not do anything: we tell you as soon as it is decided.{% else %}Please decide before it begins; otherwise it does not take place.{% endif %}`,
  },
  de: {
    subject: `{% if ${booker} %}${yourBooking.de.start} wird geprüft{% else %}Eine Buchung wartet auf Freigabe{% endif %}: {{ data.resourceName }}, {{ data.startAt | short_time: data.timezone }}`,
    short: `{% if ${booker} %}{{ facility.name }} hat ${ofChild("die", "deine")} Anfrage{% else %}{{ data.bookerName }} fragt an{% endif %} für {{ data.resourceName }}: {{ data.startAt | period: data.endAt, data.timezone }}.`,
    heading: `{% if ${booker} %}${ofChild("Die", "Deine")} Anfrage ist da{% else %}Eine Buchung wartet auf Freigabe{% endif %}`,
    lead: `{% if ${booker} %}{{ data.resourceName }} bleibt für ${you.de.accusative} reserviert, bis {{ facility.name }} entschieden hat.{% else %}{{ data.bookerName }} möchte {{ data.resourceName }} buchen. Der Platz bleibt reserviert, bis du die Buchung freigibst oder ablehnst.{% endif %}`,
    note: `{% if ${booker} %}Du musst nichts tun: Wir sagen dir Bescheid, sobald entschieden ist.{% else %}Bitte entscheide vor dem Beginn, sonst findet sie nicht statt.{% endif %}`,
  },
  facts: [
    ["when", `{{ data.startAt | period: data.endAt, data.timezone }}`],
    ["where", `{{ data.resourceName }}, {{ facility.name }}`],
    ["booker", `{% if recipient.as != "booker" %}{{ data.bookerName }}{% endif %}`],
    ["kind", `{{ data.bookingType | words }}`],
    ["price", `{% if data.priceAmount > 0 %}{{ data.priceAmount | money: data.priceCurrency }}{% endif %}`],
    ["reference", reference],
  ],
  action: {
    to: "booking",
    en: `{% if ${booker} %}See or cancel the request{% endif %}`,
    de: `{% if ${booker} %}Anfrage ansehen oder zurückziehen{% endif %}`,
  },
}
