/** The languages in which messages are written, with the locale of their amounts and dates. */
import * as Schema from "effect/Schema"

export const languages = ["en", "de"] as const
export type Language = (typeof languages)[number]

export const LanguageField = Schema.Literals(languages).annotate({ description: "language of messages" })

/** The way of writing amounts and dates. Named, so that no host decides it. */
export const localeOf: Readonly<Record<Language, string>> = { en: "en-GB", de: "de-DE" }
