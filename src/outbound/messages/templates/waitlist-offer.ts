/** waitlist.offered, to the waiting person. */
import type { Template } from "./template.ts"
import { ofChild, when, where, you } from "./values.ts"

export const waitlistOffer: Template = {
  en: {
    subject: `A slot is free: {{ resource }}, {{ data.startAt | short_time: facility.timezone }}`,
    short: `{{ resource }} at {{ facility.name }} is held for ${you.en} until {{ data.expiresAt | local_time: facility.timezone }}.`,
    heading: `The slot that ${ofChild("{{ recipient.firstName }} waits", "you waited")} for is free`,
    lead: `{{ resource }} at {{ facility.name }} became free, and is held for ${you.en}. Accept the offer before it ends, or it goes to the next in line.`,
    note: `{% if data.priceAmount > 0 %}It is booked when it is paid. {% endif %}If you don't want it any more, decline it, so that the next person need not wait.`,
  },
  de: {
    subject: `Ein Platz ist frei: {{ resource }}, {{ data.startAt | short_time: facility.timezone }}`,
    short: `{{ resource }} bei {{ facility.name }} ist bis {{ data.expiresAt | local_time: facility.timezone }} für ${you.de.accusative} reserviert.`,
    heading: `Der Platz, auf den ${ofChild("{{ recipient.firstName }} wartet", "du wartest")}, ist frei`,
    lead: `{{ resource }} bei {{ facility.name }} ist frei geworden und für ${you.de.accusative} reserviert. Nimm das Angebot an, bevor es endet, sonst bekommt es die nächste Person.`,
    note: `{% if data.priceAmount > 0 %}Gebucht ist er, wenn er bezahlt ist. {% endif %}Wenn du den Platz nicht mehr brauchst, lehn das Angebot ab, damit niemand länger warten muss.`,
  },
  facts: [
    ["when", when],
    ["where", where],
    ["price", `{% if data.priceAmount > 0 %}{{ data.priceAmount | money: data.priceCurrency }}{% endif %}`],
    ["heldUntil", `{{ data.expiresAt | local_time: facility.timezone }}`],
  ],
  action: { to: "booking", en: "Accept or decline", de: "Annehmen oder ablehnen" },
}
