/** booking.no_show, to the booker. The event carries no currency: a fee has the facility's. */
import type { Template } from "./template.ts"
import { coach, ofChild, reference, seeBooking, where, you, yourBooking } from "./values.ts"

export const bookingNoShow: Template = {
  en: {
    subject: `${ofChild("Nobody came", "We missed you")}: {{ data.scheduledAt | short_time: facility.timezone }}`,
    short: `Nobody checked in for ${ofChild("the", "your")} booking at {{ facility.name }} on {{ data.scheduledAt | local_time: facility.timezone }}.`,
    heading: `We missed ${you.en}`,
    lead: `Nobody checked in for ${yourBooking.en.inside} at {{ facility.name }}, so it was marked as a no-show.`,
    note: `{% if data.restrictionApplied %}Because of repeated no-shows ${you.en} can't book for now. Please talk to the facility.{% else %}If this is a mistake, please tell the facility.{% endif %}`,
  },
  de: {
    subject: `${ofChild("Niemand da", "Wir haben dich vermisst")}: {{ data.scheduledAt | short_time: facility.timezone }}`,
    short: `Zu ${ofChild("der", "deiner")} Buchung bei {{ facility.name }} am {{ data.scheduledAt | local_time: facility.timezone }} ist niemand gekommen.`,
    heading: `Wir haben ${you.de.accusative} vermisst`,
    lead: `Zu ${yourBooking.de.dative} bei {{ facility.name }} hat sich niemand angemeldet. Sie gilt deshalb als nicht wahrgenommen.`,
    note: `{% if data.restrictionApplied %}Weil das wiederholt vorgekommen ist, kann${ofChild("", "st")} ${you.de.nominative} zurzeit nicht buchen. Bitte sprich mit dem Verein.{% else %}Wenn das ein Irrtum ist, sag bitte dem Verein Bescheid.{% endif %}`,
  },
  facts: [
    [
      "when",
      `{% if booking %}{{ data.scheduledAt | period: booking.endAt, facility.timezone }}{% else %}{{ data.scheduledAt | local_time: facility.timezone }}{% endif %}`,
    ],
    ["where", where],
    ["coach", coach],
    ["fee", `{% if data.feeCharged > 0 %}{{ data.feeCharged | money: facility.currency }}{% endif %}`],
    [
      "noShows",
      {
        en: `{% if data.strikeCount > 0 %}{{ data.strikeCount }} so far{% endif %}`,
        de: `{% if data.strikeCount > 0 %}bisher {{ data.strikeCount }}-mal{% endif %}`,
      },
    ],
    ["reference", reference],
  ],
  action: seeBooking,
}
