/** user.email_change_requested, to the address that the account has. */
import type { Template } from "./template.ts"

export const emailChangeNotice: Template = {
  en: {
    subject: "Your e-mail address is about to be changed",
    short: "Somebody who knows your password asked to change the e-mail address of your account.",
    heading: "Your e-mail address is about to be changed",
    lead: "Somebody who knows your password asked to change the e-mail address of your account. It changes as soon as the new address is confirmed.",
    note: "If it was not you, change your password now: the link to the new address is void then.",
  },
  de: {
    subject: "Deine E-Mail-Adresse soll geändert werden",
    short: "Jemand, der dein Passwort kennt, möchte die E-Mail-Adresse deines Kontos ändern.",
    heading: "Deine E-Mail-Adresse soll geändert werden",
    lead: "Jemand, der dein Passwort kennt, möchte die E-Mail-Adresse deines Kontos ändern. Sie ändert sich, sobald die neue Adresse bestätigt ist.",
    note: "Wenn du das nicht warst, ändere jetzt dein Passwort: Dann gilt der Link an die neue Adresse nicht mehr.",
  },
  facts: [["date", `{{ occurredAt | local_time: facility.timezone }}`]],
}
