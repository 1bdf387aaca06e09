/**
 * user.invited, to a person whom a club entered. When somebody has an account with the address already, its owner is
 * told, and gets no link.
 */
import type { Template } from "./template.ts"

const owner = `recipient.as == "address_owner"`

export const accountInvitation: Template = {
  en: {
    subject: `{{ facility.name }} invites you`,
    short: `{% if ${owner} %}{{ facility.name }} has you on its list. Sign in with your account, and ask the club to add it.{% else %}{{ facility.name }} has made an account for you. The mail to you has the link to set a password.{% endif %}`,
    heading: `{{ facility.name }} invites you`,
    lead: `{% if ${owner} %}{{ facility.name }} has you on its list of members. You have an account with this address already.{% else %}{{ facility.name }} has made an account for you, with this address. Set a password, and you can book by yourself. The link works once, for seven days.{% endif %}`,
    note: `{% if ${owner} %}Sign in with it, and ask the club to add your account. If you do not know the club, do nothing.{% else %}If you do not know the club, do nothing: nobody can sign in without the link.{% endif %}`,
  },
  de: {
    subject: `{{ facility.name }} lädt dich ein`,
    short: `{% if ${owner} %}{{ facility.name }} hat dich auf der Mitgliederliste. Melde dich mit deinem Konto an und bitte den Verein, es hinzuzufügen.{% else %}{{ facility.name }} hat ein Konto für dich angelegt. In der Mail an dich steht der Link, mit dem du ein Passwort wählst.{% endif %}`,
    heading: `{{ facility.name }} lädt dich ein`,
    lead: `{% if ${owner} %}{{ facility.name }} hat dich auf der Mitgliederliste. Du hast schon ein Konto mit dieser Adresse.{% else %}{{ facility.name }} hat ein Konto mit dieser Adresse für dich angelegt. Wähl ein Passwort, dann kannst du selbst buchen. Der Link gilt einmal und sieben Tage lang.{% endif %}`,
    note: `{% if ${owner} %}Melde dich damit an und bitte den Verein, dein Konto hinzuzufügen. Wenn du den Verein nicht kennst, tu nichts.{% else %}Wenn du den Verein nicht kennst, tu nichts: Ohne den Link kann sich niemand anmelden.{% endif %}`,
  },
  facts: [],
  action: {
    to: "account",
    en: `{% if recipient.as != "address_owner" %}Set a password{% endif %}`,
    de: `{% if recipient.as != "address_owner" %}Passwort wählen{% endif %}`,
  },
}
