/**
 * booking.confirmed, to the booker, the other participants and the coach of a lesson. Only the booker sees the price. A
 * booking that was paid online has its receipt in the same mail.
 */
import type { Template } from "./template.ts"
import { coach, ofChild, reference, seeOrCancelAsBooker, you, yourBooking } from "./values.ts"

const booker = `recipient.as == "booker"`
const isCoach = `recipient.as == "coach"`

export const bookingConfirmation: Template = {
  en: {
    subject: `{% if ${booker} %}Booking confirmed{% elsif ${isCoach} %}Lesson booked{% else %}{{ data.bookerName }} booked for ${you.en}{% endif %}: {{ data.resourceName }}, {{ data.startAt | short_time: data.timezone }}`,
    short: `{{ data.resourceName }} at {{ facility.name }}: {{ data.startAt | period: data.endAt, data.timezone }}.`,
    heading: `{% if ${booker} %}${yourBooking.en.start} is confirmed{% elsif ${isCoach} %}A lesson with you is booked{% else %}${ofChild("{{ recipient.firstName }} is", "You are")} playing{% endif %}`,
    lead: `{% if ${booker} %}{{ data.resourceName }} at {{ facility.name }} is ${ofChild("booked for {{ recipient.firstName }}", "yours")}.{% elsif ${isCoach} %}{{ data.resourceName }} at {{ facility.name }} is booked for your lesson.{% else %}{{ data.bookerName }} booked {{ data.resourceName }} at {{ facility.name }} and named ${you.en} as a participant.{% endif %}{% if receipt %} Thank you for your payment.{% endif %}`,
    note: `{% if ${booker} %}{% if data.paymentMethod == "offline" and data.priceAmount > 0 %}Please pay {{ data.priceAmount | money: data.priceCurrency }} at the front desk before ${ofChild("it begins", "you play")}. {% endif %}If ${ofChild("", "your ")}plans change, please cancel early, so that somebody else can play.{% endif %}`,
  },
  de: {
    subject: `{% if ${booker} %}Buchung bestätigt{% elsif ${isCoach} %}Trainerstunde gebucht{% else %}{{ data.bookerName }} hat für ${you.de.accusative} gebucht{% endif %}: {{ data.resourceName }}, {{ data.startAt | short_time: data.timezone }}`,
    short: `{{ data.resourceName }} bei {{ facility.name }}: {{ data.startAt | period: data.endAt, data.timezone }}.`,
    heading: `{% if ${booker} %}${yourBooking.de.start} ist bestätigt{% elsif ${isCoach} %}Eine Trainerstunde mit dir ist gebucht{% else %}${ofChild("{{ recipient.firstName }} spielt", "Du spielst")} mit{% endif %}`,
    lead: `{% if ${booker} %}{{ data.resourceName }} bei {{ facility.name }} ist für ${you.de.accusative} gebucht.{% elsif ${isCoach} %}{{ data.resourceName }} bei {{ facility.name }} ist für deine Trainerstunde gebucht.{% else %}{{ data.bookerName }} hat {{ data.resourceName }} bei {{ facility.name }} gebucht, und ${ofChild("{{ recipient.firstName }} ist", "du bist")} dabei.{% endif %}{% if receipt %} Danke für deine Zahlung.{% endif %}`,
    note: `{% if ${booker} %}{% if data.paymentMethod == "offline" and data.priceAmount > 0 %}Bitte bezahle {{ data.priceAmount | money: data.priceCurrency }} vor dem ${ofChild("Beginn", "Spiel")} am Empfang. {% endif %}Wenn ${ofChild("", "dir ")}etwas dazwischenkommt, sag bitte früh ab, damit jemand anderes spielen kann.{% endif %}`,
  },
  facts: [
    ["when", `{{ data.startAt | period: data.endAt, data.timezone }}`],
    ["where", `{{ data.resourceName }}, {{ facility.name }}`],
    ["kind", `{% if data.bookingType != "open_play" %}{{ data.bookingType | words }}{% endif %}`],
    ["coach", coach],
    ["booker", `{% if ${isCoach} %}{{ data.bookerName }}{% endif %}`],
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
