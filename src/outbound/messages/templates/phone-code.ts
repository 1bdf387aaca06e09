/** user.phone_code_requested, as a text to the number. The code is put into its place when the text leaves. */
import type { Template } from "./template.ts"

export const phoneCode: Template = {
  en: {
    subject: "Your SlotBase code",
    short:
      "[code {{ data.codeId }}] is your SlotBase code for this phone number. It is good for {{ data.expiresInMinutes }} minutes. Nobody else needs it.",
    heading: "Your SlotBase code",
    lead: "A code was asked for your phone number.",
    note: "",
  },
  de: {
    subject: "Dein SlotBase-Code",
    short:
      "[code {{ data.codeId }}] ist dein SlotBase-Code für diese Telefonnummer. Er gilt {{ data.expiresInMinutes }} Minuten. Sonst braucht ihn niemand.",
    heading: "Dein SlotBase-Code",
    lead: "Für deine Telefonnummer wurde ein Code angefordert.",
    note: "",
  },
  facts: [],
}
