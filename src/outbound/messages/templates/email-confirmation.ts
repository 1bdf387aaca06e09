/**
 * user.email_change_requested, to the new address. When somebody else has the address already, its owner is told, and
 * gets no link.
 */
import type { Template } from "./template.ts"

const owner = `recipient.as == "address_owner"`

export const emailConfirmation: Template = {
  en: {
    subject: `{% if ${owner} %}You have an account with this address{% else %}Confirm your new e-mail address{% endif %}`,
    short: `{% if ${owner} %}Somebody tried to use your address for another account.{% else %}Confirm your new e-mail address with the link in the mail.{% endif %}`,
    heading: `{% if ${owner} %}You have an account with this address{% else %}Confirm your new e-mail address{% endif %}`,
    lead: `{% if ${owner} %}Somebody asked to use this address for another account. It is the address of your account, so nothing was changed.{% else %}You asked to use this address for your account. The link confirms it. It works once, for one hour.{% endif %}`,
    note: `{% if ${owner} %}If it was you: sign in with this address. If it was not, you need not do anything.{% else %}If it was not you, do nothing: nothing is changed without the link.{% endif %}`,
  },
  de: {
    subject: `{% if ${owner} %}Du hast ein Konto mit dieser Adresse{% else %}Bestätige deine neue E-Mail-Adresse{% endif %}`,
    short: `{% if ${owner} %}Jemand wollte deine Adresse für ein anderes Konto verwenden.{% else %}Bestätige deine neue E-Mail-Adresse mit dem Link in der Mail.{% endif %}`,
    heading: `{% if ${owner} %}Du hast ein Konto mit dieser Adresse{% else %}Bestätige deine neue E-Mail-Adresse{% endif %}`,
    lead: `{% if ${owner} %}Jemand wollte diese Adresse für ein anderes Konto verwenden. Sie gehört zu deinem Konto, deshalb wurde nichts geändert.{% else %}Du möchtest diese Adresse für dein Konto verwenden. Der Link bestätigt sie. Er gilt einmal und eine Stunde lang.{% endif %}`,
    note: `{% if ${owner} %}Wenn du das warst: Melde dich mit dieser Adresse an. Wenn nicht, musst du nichts tun.{% else %}Wenn du das nicht warst, tu nichts: Ohne den Link ändert sich nichts.{% endif %}`,
  },
  facts: [],
  action: {
    to: "account",
    en: `{% if recipient.as != "address_owner" %}Confirm this address{% endif %}`,
    de: `{% if recipient.as != "address_owner" %}Adresse bestätigen{% endif %}`,
  },
}
