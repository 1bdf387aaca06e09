/** What a scheduled job of a facility's own day gives a club, in words: Liquid that begins with a capital. */
import type { Language } from "#base/languages.ts"

const made = {
  en: {
    "daily-reports": "The report of each day",
    "offline-payment-aging": "The reminder of unpaid bookings",
    "weekly-progress-summary": "The summaries of each week",
    "monthly-billing": "The bills of each month",
    "active-user-reset": "The count of active members",
  },
  de: {
    "daily-reports": "Der Bericht über jeden Tag",
    "offline-payment-aging": "Die Erinnerung an unbezahlte Buchungen",
    "weekly-progress-summary": "Die Zusammenfassungen jeder Woche",
    "monthly-billing": "Die Rechnungen über jeden Monat",
    "active-user-reset": "Die Zählung aktiver Mitglieder",
  },
} as const satisfies Readonly<Record<Language, Readonly<Record<string, string>>>>

/** A job without words here, such as one of a newer version, is named as it is. */
export const jobInWords = (language: Language): string =>
  `{% case data.job %}${Object.entries(made[language])
    .map(([job, words]) => `{% when "${job}" %}${words}`)
    .join("")}{% else %}{{ data.job }}{% endcase %}`
