/** platform.failing, to the platform's administrators: what was given up, since when, and what to do. */
import type { Template } from "./template.ts"

export const platformFailing: Template = {
  subject: `{% if data.trouble == "dead_passes" %}SlotBase: jobs fail{% else %}SlotBase: work was given up{% endif %}`,
  short: `{{ data.count }} open since {{ data.since | local_time: facility.timezone }}: {{ data.detail }}`,
  heading: `{% if data.trouble == "dead_passes" %}Jobs fail{% else %}Work was given up{% endif %}`,
  lead: `{% if data.trouble == "dead_passes" %}Passes of actors failed at every attempt, and no later pass ended well.{% else %}Runs of handlers failed at every attempt, and became dead letters.{% endif %} You are told after 15 minutes, an hour and a day, and then each day.`,
  facts: [
    ["Open", `{% if data.countAtLeast %}more than {% endif %}{{ data.count }}`],
    ["Since", `{{ data.since | local_time: facility.timezone }}`],
    ["Last error", `{{ data.detail }}`],
  ],
  note: `{% if data.trouble == "dead_passes" %}Look at slotbase.dead_passes. Each actor goes on at its next tick, and its work is not lost. The all-clear follows a pass that ends well.{% else %}Mend the cause, then run "slotbase dead-letters": it counts them by cause, and puts those of a cause back to work. The all-clear comes when none is open.{% endif %} "slotbase doctor" has an overview.`,
}
