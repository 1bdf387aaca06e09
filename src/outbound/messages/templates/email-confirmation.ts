/**
 * user.email_change_requested, to the new address. When somebody else has the address already, its owner is told, and
 * gets no link.
 */
import type { Template } from "./template.ts"

export const emailConfirmation: Template = {
  subject: `{% if recipient.as == "address_owner" %}You have an account with this address{% else %}Confirm your new e-mail address{% endif %}`,
  short: `{% if recipient.as == "address_owner" %}Somebody tried to use your address for another account.{% else %}Confirm your new e-mail address with the link in the mail.{% endif %}`,
  heading: `{% if recipient.as == "address_owner" %}You have an account with this address{% else %}Confirm your new e-mail address{% endif %}`,
  lead: `{% if recipient.as == "address_owner" %}Somebody asked to use this address for another account. It is the address of your account, so nothing was changed.{% else %}You asked to use this address for your account. The link confirms it. It works once, for one hour.{% endif %}`,
  facts: [],
  action: `{% if recipient.as != "address_owner" %}Confirm this address{% endif %}`,
  note: `{% if recipient.as == "address_owner" %}If it was you: sign in with this address. If it was not, you need not do anything.{% else %}If it was not you, do nothing: nothing is changed without the link.{% endif %}`,
}
