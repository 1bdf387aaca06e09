/**
 * booking.confirmed, to the booker and the other participants. Only the booker sees the price. A booking that was paid
 * online has its receipt in the same mail.
 */
import type { Template } from "./template.ts"
import { reference, seeOrCancelAsBooker } from "./values.ts"

const booker = `recipient.as == "booker"`

export const bookingConfirmation: Template = {
  en: {
    subject: `{% if ${booker} %}Booking confirmed{% else %}{{ data.bookerName }} booked for you{% endif %}: {{ data.resourceName }}, {{ data.startAt | short_time: data.timezone }}`,
    short: `{{ data.resourceName }} at {{ facility.name }}: {{ data.startAt | period: data.endAt, data.timezone }}.`,
    heading: `{% if ${booker} %}Your booking is confirmed{% else %}You are playing{% endif %}`,
    lead: `{% if ${booker} %}{{ data.resourceName }} at {{ facility.name }} is yours.{% else %}{{ data.bookerName }} booked {{ data.resourceName }} at {{ facility.name }} and named you as a participant.{% endif %}{% if receipt %} Thank you for your payment.{% endif %}`,
    note: `{% if ${booker} %}{% if data.paymentMethod == "offline" and data.priceAmount > 0 %}Please pay {{ data.priceAmount | money: data.priceCurrency }} at the front desk before you play. {% endif %}If your plans change, please cancel early, so that somebody else can play.{% endif %}`,
  },
  de: {
    subject: `{% if ${booker} %}Buchung bestätigt{% else %}{{ data.bookerName }} hat für dich gebucht{% endif %}: {{ data.resourceName }}, {{ data.startAt | short_time: data.timezone }}`,
    short: `{{ data.resourceName }} bei {{ facility.name }}: {{ data.startAt | period: data.endAt, data.timezone }}.`,
    heading: `{% if ${booker} %}Deine Buchung ist bestätigt{% else %}Du spielst mit{% endif %}`,
    lead: `{% if ${booker} %}{{ data.resourceName }} bei {{ facility.name }} ist für dich gebucht.{% else %}{{ data.bookerName }} hat {{ data.resourceName }} bei {{ facility.name }} gebucht, und du bist dabei.{% endif %}{% if receipt %} Danke für deine Zahlung.{% endif %}`,
    note: `{% if ${booker} %}{% if data.paymentMethod == "offline" and data.priceAmount > 0 %}Bitte bezahle {{ data.priceAmount | money: data.priceCurrency }} vor dem Spiel am Empfang. {% endif %}Wenn dir etwas dazwischenkommt, sag bitte früh ab, damit jemand anderes spielen kann.{% endif %}`,
  },
  facts: [
    ["when", `{{ data.startAt | period: data.endAt, data.timezone }}`],
    ["where", `{{ data.resourceName }}, {{ facility.name }}`],
    ["kind", `{% if data.bookingType != "open_play" %}{{ data.bookingType | words }}{% endif %}`],
    ["players", `{{ data.participants | map: "name" | join: ", " }}`],
    [
      "price",
      `{% if ${booker} and data.paymentMethod != "waived" and data.priceAmount > 0 %}{{ data.priceAmount | money: data.priceCurrency }}{% endif %}`,
    ],
    [
      "payment",
      {
        en: `{% if ${booker} and receipt == null %}{% if data.paymentMethod == "waived" or data.priceAmount == 0 %}Nothing to pay{% elsif data.paymentMethod == "online" %}Paid online{% else %}To be paid at the facility{% endif %}{% endif %}`,
        de: `{% if ${booker} and receipt == null %}{% if data.paymentMethod == "waived" or data.priceAmount == 0 %}Nichts zu bezahlen{% elsif data.paymentMethod == "online" %}Online bezahlt{% else %}Vor Ort zu bezahlen{% endif %}{% endif %}`,
      },
    ],
    [
      "paid",
      {
        en: `{% if receipt %}{{ receipt.amount | money: receipt.currency }} by {{ receipt.paymentMethod | words | downcase }}, {{ receipt.paidAt | local_time: facility.timezone }}{% endif %}`,
        de: `{% if receipt %}{{ receipt.amount | money: receipt.currency }} ({{ receipt.paymentMethod | words }}), {{ receipt.paidAt | local_time: facility.timezone }}{% endif %}`,
      },
    ],
    ["reference", reference],
  ],
  action: seeOrCancelAsBooker,
}
