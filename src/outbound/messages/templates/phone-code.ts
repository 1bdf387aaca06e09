/** user.phone_code_requested, as a text to the number. The code is put into its place when the text leaves. */
import type { Template } from "./template.ts"

export const phoneCode: Template = {
  subject: `Your SlotBase code`,
  short: `[code {{ data.codeId }}] is your SlotBase code for this phone number. It is good for {{ data.expiresInMinutes }} minutes. Nobody else needs it.`,
  heading: `Your SlotBase code`,
  lead: `A code was asked for your phone number.`,
  facts: [],
  note: ``,
}
