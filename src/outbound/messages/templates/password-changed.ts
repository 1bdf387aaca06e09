/** user.password_changed, to the address of the account. */
import type { Template } from "./template.ts"

export const passwordChanged: Template = {
  subject: `Your password was {% if data.how == "invitation" %}set{% else %}changed{% endif %}`,
  short: `The password of your account was {% if data.how == "invitation" %}set{% else %}changed{% endif %}.`,
  heading: `Your password was {% if data.how == "invitation" %}set{% else %}changed{% endif %}`,
  lead: `The password of your account was {% case data.how %}{% when "invitation" %}set with the link of your invitation{% when "reset" %}set anew with a link that was mailed to you{% else %}changed by somebody who knew the one before{% endcase %}. Whoever was signed in elsewhere has been signed out.`,
  facts: [["When", `{{ occurredAt | local_time: facility.timezone }}`]],
  note: `If it was not you, ask for a new password at once ("forgotten password"). Then nobody stays signed in.`,
}
