/** user.password_changed, to the address of the account. */
import type { Template } from "./template.ts"

const en = `{% if data.how == "invitation" %}set{% else %}changed{% endif %}`
const de = `{% if data.how == "invitation" %}gesetzt{% else %}geändert{% endif %}`

export const passwordChanged: Template = {
  en: {
    subject: `Your password was ${en}`,
    short: `The password of your account was ${en}.`,
    heading: `Your password was ${en}`,
    lead: `The password of your account was {% case data.how %}{% when "invitation" %}set with the link of your invitation{% when "reset" %}set anew with a link that was mailed to you{% else %}changed by somebody who knew the one before{% endcase %}. Whoever was signed in elsewhere has been signed out.`,
    note: `If it was not you, ask for a new password at once ("forgotten password"). Then nobody stays signed in.`,
  },
  de: {
    subject: `Dein Passwort wurde ${de}`,
    short: `Das Passwort deines Kontos wurde ${de}.`,
    heading: `Dein Passwort wurde ${de}`,
    lead: `Das Passwort deines Kontos wurde {% case data.how %}{% when "invitation" %}mit dem Link deiner Einladung gesetzt{% when "reset" %}mit einem Link aus einer Mail an dich neu gesetzt{% else %}von jemandem geändert, der das bisherige kannte{% endcase %}. Wer sonst noch angemeldet war, wurde abgemeldet.`,
    note: `Wenn du das nicht warst, lass dir sofort ein neues Passwort geben („Passwort vergessen“). Dann bleibt niemand angemeldet.`,
  },
  facts: [["date", `{{ occurredAt | local_time: facility.timezone }}`]],
}
