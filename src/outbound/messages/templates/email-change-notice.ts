/** user.email_change_requested, to the address that the account has. */
import type { Template } from "./template.ts"

export const emailChangeNotice: Template = {
  subject: "Your e-mail address is about to be changed",
  short: "Somebody who knows your password asked to change the e-mail address of your account.",
  heading: "Your e-mail address is about to be changed",
  lead: "Somebody who knows your password asked to change the e-mail address of your account. It changes as soon as the new address is confirmed.",
  facts: [["When", `{{ occurredAt | local_time: facility.timezone }}`]],
  note: "If it was not you, change your password now: the link to the new address is void then.",
}
