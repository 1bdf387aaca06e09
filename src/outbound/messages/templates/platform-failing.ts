/** platform.failing, to the platform's administrators: what was given up, since when, and what to do. */
import type { Template } from "./template.ts"

const passes = `data.trouble == "dead_passes"`

export const platformFailing: Template = {
  en: {
    subject: `{% if ${passes} %}SlotBase: jobs fail{% else %}SlotBase: work was given up{% endif %}`,
    short: `{{ data.count }} open since {{ data.since | local_time: facility.timezone }}: {{ data.detail }}`,
    heading: `{% if ${passes} %}Jobs fail{% else %}Work was given up{% endif %}`,
    lead: `{% if ${passes} %}Passes of actors failed at every attempt, and no later pass ended well.{% else %}Runs of handlers failed at every attempt, and became dead letters.{% endif %} You are told after 15 minutes, an hour and a day, and then each day.`,
    note: `{% if ${passes} %}Look at slotbase.dead_passes. Each actor goes on at its next tick, and its work is not lost. The all-clear follows a pass that ends well.{% else %}Mend the cause, then run "slotbase dead-letters": it counts them by cause, and puts those of a cause back to work. The all-clear comes when none is open.{% endif %} "slotbase doctor" has an overview.`,
  },
  de: {
    subject: `{% if ${passes} %}SlotBase: Jobs schlagen fehl{% else %}SlotBase: Arbeit wurde aufgegeben{% endif %}`,
    short: `{{ data.count }} offen seit {{ data.since | local_time: facility.timezone }}: {{ data.detail }}`,
    heading: `{% if ${passes} %}Jobs schlagen fehl{% else %}Arbeit wurde aufgegeben{% endif %}`,
    lead: `{% if ${passes} %}Durchgänge von Aktoren sind bei jedem Versuch fehlgeschlagen, und kein späterer ging gut.{% else %}Läufe von Handlern sind bei jedem Versuch fehlgeschlagen und wurden Dead Letters.{% endif %} Du erfährst es nach 15 Minuten, einer Stunde und einem Tag, danach täglich.`,
    note: `{% if ${passes} %}Sieh in slotbase.dead_passes nach. Jeder Aktor macht beim nächsten Takt weiter, seine Arbeit ist nicht verloren. Entwarnung kommt nach einem Durchgang, der gut geht.{% else %}Behebe die Ursache, dann ruf „slotbase dead-letters“ auf: Das zählt sie nach Ursache und nimmt die einer Ursache wieder auf. Entwarnung kommt, wenn keiner mehr offen ist.{% endif %} „slotbase doctor“ gibt einen Überblick.`,
  },
  facts: [
    [
      "open",
      {
        en: `{% if data.countAtLeast %}more than {% endif %}{{ data.count }}`,
        de: `{% if data.countAtLeast %}mehr als {% endif %}{{ data.count }}`,
      },
    ],
    ["since", `{{ data.since | local_time: facility.timezone }}`],
    ["lastError", `{{ data.detail }}`],
  ],
}
