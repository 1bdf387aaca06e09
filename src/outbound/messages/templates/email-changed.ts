/** user.email_changed, to the address that the account had before. */
import type { Template } from "./template.ts"

export const emailChanged: Template = {
  en: {
    subject: "Your e-mail address was changed",
    short: "Your account has another e-mail address now.",
    heading: "Your e-mail address was changed",
    lead: "The new e-mail address of your account was confirmed. You sign in with it from now on, and mail goes there.",
    note: "This is the last mail to this address. If it was not you, tell your club at once.",
  },
  de: {
    subject: "Deine E-Mail-Adresse wurde geändert",
    short: "Dein Konto hat jetzt eine andere E-Mail-Adresse.",
    heading: "Deine E-Mail-Adresse wurde geändert",
    lead: "Die neue E-Mail-Adresse deines Kontos ist bestätigt. Du meldest dich von jetzt an mit ihr an, und alle Mails gehen dorthin.",
    note: "Dies ist die letzte Mail an diese Adresse. Wenn du das nicht warst, sag sofort deinem Verein Bescheid.",
  },
  facts: [["date", `{{ occurredAt | local_time: facility.timezone }}`]],
}
