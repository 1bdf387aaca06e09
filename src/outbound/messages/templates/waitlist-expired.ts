/** waitlist.expired, to the waiting person: an offer expired, or the time came without an offer. */
import type { Template } from "./template.ts"
import { ofChild, when, where, you } from "./values.ts"

const ranOut = `data.reason == "offer_ran_out"`

export const waitlistExpired: Template = {
  en: {
    subject: `{% if ${ranOut} %}The offer has ended{% else %}No slot became free{% endif %}: {{ data.startAt | short_time: facility.timezone }}`,
    short: `{% if ${ranOut} %}The offer at {{ facility.name }} was not answered in time, and went to the next in line.{% else %}No slot became free at {{ facility.name }} in time.{% endif %}`,
    heading: `{% if ${ranOut} %}The offer has ended{% else %}No slot became free{% endif %}`,
    lead: `{% if ${ranOut} %}The slot that was held for ${you.en} at {{ facility.name }} was not accepted in time, and went to the next in line.{% else %}Nothing became free at {{ facility.name }} before the time that was waited for.{% endif %}`,
    note: `{% if ${ranOut} %}If ${ofChild("{{ recipient.firstName }} still wants", "you still want")} to play then, join the waitlist again.{% endif %}`,
  },
  de: {
    subject: `{% if ${ranOut} %}Das Angebot ist abgelaufen{% else %}Es wurde kein Platz frei{% endif %}: {{ data.startAt | short_time: facility.timezone }}`,
    short: `{% if ${ranOut} %}Das Angebot bei {{ facility.name }} wurde nicht rechtzeitig angenommen und ging an die nächste Person.{% else %}Bei {{ facility.name }} wurde nicht rechtzeitig ein Platz frei.{% endif %}`,
    heading: `{% if ${ranOut} %}Das Angebot ist abgelaufen{% else %}Es wurde kein Platz frei{% endif %}`,
    lead: `{% if ${ranOut} %}Der Platz, der bei {{ facility.name }} für ${you.de.accusative} reserviert war, wurde nicht rechtzeitig angenommen und ging an die nächste Person.{% else %}Bei {{ facility.name }} wurde bis zur Wunschzeit nichts frei.{% endif %}`,
    note: `{% if ${ranOut} %}Wenn ${ofChild("{{ recipient.firstName }}", "du")} dann noch spielen ${ofChild("möchte", "möchtest")}, setz ${you.de.accusative} wieder auf die Warteliste.{% endif %}`,
  },
  facts: [
    ["when", when],
    ["where", where],
  ],
}
