/**
 * user.invited, to a person whom a club entered. When somebody has an account with the address already, its owner is
 * told, and gets no link.
 */
import type { Template } from "./template.ts"

export const accountInvitation: Template = {
  subject: `{{ facility.name }} invites you`,
  short: `{% if recipient.as == "address_owner" %}{{ facility.name }} has you on its list. Sign in with your account, and ask the club to add it.{% else %}{{ facility.name }} has made an account for you. The mail to you has the link to set a password.{% endif %}`,
  heading: `{{ facility.name }} invites you`,
  lead: `{% if recipient.as == "address_owner" %}{{ facility.name }} has you on its list of members. You have an account with this address already.{% else %}{{ facility.name }} has made an account for you, with this address. Set a password, and you can book by yourself. The link works once, for seven days.{% endif %}`,
  facts: [],
  action: `{% if recipient.as != "address_owner" %}Set a password{% endif %}`,
  note: `{% if recipient.as == "address_owner" %}Sign in with it, and ask the club to add your account. If you do not know the club, do nothing.{% else %}If you do not know the club, do nothing: nobody can sign in without the link.{% endif %}`,
}
