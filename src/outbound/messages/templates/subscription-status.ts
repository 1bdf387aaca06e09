/** subscription.status_changed, to the facility's administrators: unpaid, paid after all, or ended. */
import type { Template } from "./template.ts"

export const subscriptionStatus: Template = {
  en: {
    subject: `{% case data.reason %}{% when "unpaid" %}The subscription of {{ facility.name }} is not paid{% when "paid" %}The subscription of {{ facility.name }} is paid{% else %}The subscription of {{ facility.name }} has ended{% endcase %}`,
    short: `{% case data.reason %}{% when "unpaid" %}The subscription of {{ facility.name }} could not be paid.{% when "paid" %}The subscription of {{ facility.name }} is paid.{% else %}The subscription of {{ facility.name }} has ended with its period.{% endcase %}`,
    heading: `{% case data.reason %}{% when "unpaid" %}The subscription is not paid{% when "paid" %}The subscription is paid{% else %}The subscription has ended{% endcase %}`,
    lead: `{% case data.reason %}{% when "unpaid" %}The subscription of {{ facility.name }} could not be paid. We will try again; please check how it is paid.{% when "paid" %}The subscription of {{ facility.name }} is paid, and goes on.{% else %}The subscription of {{ facility.name }} has ended with its period.{% endcase %}`,
    note: "",
  },
  de: {
    subject: `{% case data.reason %}{% when "unpaid" %}Das Abo von {{ facility.name }} ist nicht bezahlt{% when "paid" %}Das Abo von {{ facility.name }} ist bezahlt{% else %}Das Abo von {{ facility.name }} ist beendet{% endcase %}`,
    short: `{% case data.reason %}{% when "unpaid" %}Das Abo von {{ facility.name }} konnte nicht bezahlt werden.{% when "paid" %}Das Abo von {{ facility.name }} ist bezahlt.{% else %}Das Abo von {{ facility.name }} ist mit seiner Laufzeit beendet.{% endcase %}`,
    heading: `{% case data.reason %}{% when "unpaid" %}Das Abo ist nicht bezahlt{% when "paid" %}Das Abo ist bezahlt{% else %}Das Abo ist beendet{% endcase %}`,
    lead: `{% case data.reason %}{% when "unpaid" %}Das Abo von {{ facility.name }} konnte nicht bezahlt werden. Wir versuchen es wieder; bitte prüf, womit es bezahlt wird.{% when "paid" %}Das Abo von {{ facility.name }} ist bezahlt und läuft weiter.{% else %}Das Abo von {{ facility.name }} ist mit seiner Laufzeit beendet.{% endcase %}`,
    note: "",
  },
  facts: [
    ["since", `{{ data.effectiveDate | local_time: facility.timezone }}`],
    ["reference", `{{ data.subscriptionId | short_id }}`],
  ],
}
