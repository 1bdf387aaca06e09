/** The names of days (Sunday first) and months, long and for a subject. */
import type { Language } from "#base/languages.ts"

type Names = Readonly<Record<Language, Readonly<Record<"short" | "long", readonly string[]>>>>

const named = (text: string) => text.split(" ")

export const days: Names = {
  en: {
    short: named("Sun Mon Tue Wed Thu Fri Sat"),
    long: named("Sunday Monday Tuesday Wednesday Thursday Friday Saturday"),
  },
  de: {
    short: named("So. Mo. Di. Mi. Do. Fr. Sa."),
    long: named("Sonntag Montag Dienstag Mittwoch Donnerstag Freitag Samstag"),
  },
}

export const months: Names = {
  en: {
    short: named("Jan Feb Mar Apr May Jun Jul Aug Sept Oct Nov Dec"),
    long: named("January February March April May June July August September October November December"),
  },
  de: {
    short: named("Jan. Feb. März Apr. Mai Juni Juli Aug. Sept. Okt. Nov. Dez."),
    long: named("Januar Februar März April Mai Juni Juli August September Oktober November Dezember"),
  },
}
