/** user.password_reset_requested, to the address of the account. */
import type { Template } from "./template.ts"

export const passwordReset: Template = {
  subject: "Set a new password",
  short: "Somebody asked to set a new password for your account. The mail to you has the link.",
  heading: "Set a new password",
  lead: "Somebody asked to set a new password for the account with this address. The link works once, for one hour.",
  facts: [],
  action: "Set a new password",
  note: "If it was not you, do nothing: the password stays as it is. The newest link alone works.",
}
