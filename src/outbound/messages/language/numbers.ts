/** Numbers, parts of a hundred and lengths of time, in the reader's language. */
import type { Language } from "#base/languages.ts"

/** At most so many decimals, none that is zero: "11.3" or "11,3". */
export function numberText(value: number, language: Language, decimals = 1): string {
  const text = String(Number(value.toFixed(decimals)))
  return language === "de" ? text.replace(".", ",") : text
}

/** @param share from 0 to 1, such as 0.634: "63 %" */
export const shareText = (share: number): string => `${Math.round(100 * share)} %`

/** With its sign, such as "+25 %" or "−4 %". */
export const changeText = (percent: number, language: Language): string =>
  `${percent > 0 ? "+" : percent < 0 ? "−" : "±"}${numberText(Math.abs(percent), language)} %`

/** Such as "7 h 30 min" or "7 Std. 30 Min.". */
export function durationText(minutes: number, language: Language): string {
  const [hour, minute] = language === "de" ? ["Std.", "Min."] : ["h", "min"]
  const [hours, left] = [Math.floor(minutes / 60), Math.round(minutes % 60)]
  if (hours === 0) return `${left} ${minute}`
  return left === 0 ? `${hours} ${hour}` : `${hours} ${hour} ${left} ${minute}`
}
