/** user.email_changed, to the address that the account had before. */
import type { Template } from "./template.ts"

export const emailChanged: Template = {
  subject: "Your e-mail address was changed",
  short: "Your account has another e-mail address now.",
  heading: "Your e-mail address was changed",
  lead: "The new e-mail address of your account was confirmed. You sign in with it from now on, and mail goes there.",
  facts: [["When", `{{ occurredAt | local_time: facility.timezone }}`]],
  note: "This is the last mail to this address. If it was not you, tell your club at once.",
}
