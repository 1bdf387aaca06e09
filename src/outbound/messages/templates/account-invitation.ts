/** user.invited, to a person whom a club entered. */
import type { Template } from "./template.ts"

export const accountInvitation: Template = {
  subject: `{{ facility.name }} invites you`,
  short: `{{ facility.name }} has made an account for you. The mail to you has the link to set a password.`,
  heading: `{{ facility.name }} invites you`,
  lead: `{{ facility.name }} has made an account for you, with this address. Set a password, and you can book by yourself. The link works once, for seven days.`,
  facts: [],
  action: "Set a password",
  note: "If you do not know the club, do nothing: nobody can sign in without the link.",
}
