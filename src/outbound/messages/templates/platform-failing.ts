/** platform.failing, to the platform's administrators: what is held or was given up, since when, and what to do. */
import type { Template } from "./template.ts"

/** Words by the trouble. That mail is held is told by no mail. */
const byTrouble = (words: { texts: string; passes: string; jobs: string; work: string }) =>
  `{% case data.trouble %}{% when "texts_held" %}${words.texts}{% when "dead_passes" %}${words.passes}{% when "failing_jobs" %}${words.jobs}{% else %}${words.work}{% endcase %}`

export const platformFailing: Template = {
  en: {
    subject: byTrouble({
      texts: "SlotBase: text messages are held",
      passes: "SlotBase: jobs fail",
      jobs: "SlotBase: jobs fail",
      work: "SlotBase: work was given up",
    }),
    short: `{{ data.count }} open since {{ data.since | local_time: facility.timezone }}: {{ data.detail }}`,
    heading: byTrouble({
      texts: "Text messages are held",
      passes: "Jobs fail",
      jobs: "Jobs fail",
      work: "Work was given up",
    }),
    lead: `${byTrouble({
      texts: "The provider of text messages takes none. They wait, and leave by themselves when it takes them again.",
      passes: "Passes of actors failed at every attempt, and no later pass ended well.",
      jobs: "Runs of scheduled jobs failed at every attempt, and no later run ended well.",
      work: "Runs of handlers failed at every attempt, and became dead letters.",
    })} You are told after 15 minutes, an hour and a day, and then each day.`,
    note: `${byTrouble({
      texts:
        "Look at the account at the provider, and at SLOTBASE_SMS_ACCOUNT_SID, SLOTBASE_SMS_AUTH_TOKEN and SLOTBASE_SMS_FROM.",
      passes:
        "Look at slotbase.dead_passes. Each actor goes on at its next tick, and its work is not lost. The all-clear follows a pass that ends well.",
      jobs: 'Look at slotbase.job_ledger, mend the cause, and run the job by hand: "slotbase jobs run". The all-clear follows when each has ended well.',
      work: 'Mend the cause, then run "slotbase dead-letters": it counts them by cause, and puts those of a cause back to work. The all-clear comes when none is open.',
    })} "slotbase doctor" has an overview.`,
  },
  de: {
    subject: byTrouble({
      texts: "SlotBase: SMS werden zurückgehalten",
      passes: "SlotBase: Jobs schlagen fehl",
      jobs: "SlotBase: Jobs schlagen fehl",
      work: "SlotBase: Arbeit wurde aufgegeben",
    }),
    short: `{{ data.count }} offen seit {{ data.since | local_time: facility.timezone }}: {{ data.detail }}`,
    heading: byTrouble({
      texts: "SMS werden zurückgehalten",
      passes: "Jobs schlagen fehl",
      jobs: "Jobs schlagen fehl",
      work: "Arbeit wurde aufgegeben",
    }),
    lead: `${byTrouble({
      texts:
        "Der Anbieter für SMS nimmt keine an. Sie warten und gehen von selbst hinaus, sobald er sie wieder annimmt.",
      passes: "Durchgänge von Aktoren sind bei jedem Versuch fehlgeschlagen, und kein späterer ging gut.",
      jobs: "Läufe geplanter Jobs sind bei jedem Versuch fehlgeschlagen, und kein späterer ging gut.",
      work: "Läufe von Handlern sind bei jedem Versuch fehlgeschlagen und wurden Dead Letters.",
    })} Du erfährst es nach 15 Minuten, einer Stunde und einem Tag, danach täglich.`,
    note: `${byTrouble({
      texts:
        "Sieh beim Anbieter nach dem Konto, und nach SLOTBASE_SMS_ACCOUNT_SID, SLOTBASE_SMS_AUTH_TOKEN und SLOTBASE_SMS_FROM.",
      passes:
        "Sieh in slotbase.dead_passes nach. Jeder Aktor macht beim nächsten Takt weiter, seine Arbeit ist nicht verloren. Entwarnung kommt nach einem Durchgang, der gut geht.",
      jobs: "Sieh in slotbase.job_ledger nach, behebe die Ursache, und lass den Job von Hand laufen: „slotbase jobs run“. Entwarnung kommt, wenn jeder wieder gut geendet hat.",
      work: "Behebe die Ursache, dann ruf „slotbase dead-letters“ auf: Das zählt sie nach Ursache und nimmt die einer Ursache wieder auf. Entwarnung kommt, wenn keiner mehr offen ist.",
    })} „slotbase doctor“ gibt einen Überblick.`,
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
