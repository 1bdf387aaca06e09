/** user.password_reset_requested, to the address of the account. */
import type { Template } from "./template.ts"

export const passwordReset: Template = {
  en: {
    subject: "Set a new password",
    short: "Somebody asked to set a new password for your account. The mail to you has the link.",
    heading: "Set a new password",
    lead: "Somebody asked to set a new password for the account with this address. The link works once, for one hour.",
    note: "If it was not you, do nothing: the password stays as it is. The newest link alone works.",
  },
  de: {
    subject: "Wähl ein neues Passwort",
    short: "Jemand möchte für dein Konto ein neues Passwort wählen. Der Link steht in der Mail an dich.",
    heading: "Wähl ein neues Passwort",
    lead: "Jemand möchte für das Konto mit dieser Adresse ein neues Passwort wählen. Der Link gilt einmal und eine Stunde lang.",
    note: "Wenn du das nicht warst, tu nichts: Das Passwort bleibt, wie es ist. Nur der neueste Link gilt.",
  },
  facts: [],
  action: { to: "account", en: "Set a new password", de: "Neues Passwort wählen" },
}
