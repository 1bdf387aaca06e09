/** The check digits of an IBAN, by ISO 13616: the rearranged number leaves 1 when it is divided by 97. */
export function isIban(text: string): boolean {
  const digits = [...(text.slice(4) + text.slice(0, 4))].map((each) => Number.parseInt(each, 36)).join("")
  return /^\d+$/.test(digits) && BigInt(digits) % 97n === 1n
}

/** In groups of four, as people read it. */
export const spacedIban = (iban: string): string => iban.replace(/.{4}(?=.)/g, "$& ")
