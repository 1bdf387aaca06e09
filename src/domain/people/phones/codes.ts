/**
 * The codes that verify a phone number: six digits, derived from the id of the request under the secret key. The
 * message is kept with a place for the code, and the code is put there when the text leaves.
 */
import type { SecretBox } from "#base/secrets.ts"

/** How long a code is good, minutes. */
export const codeMinutes = 10
/** Wrong codes that make it void: 5 of a million. */
export const wrongCodesAtMost = 5

export function phoneCodeOf(secrets: SecretBox, codeId: string): string {
  const bytes = secrets.fingerprint(codeId, "phone code")
  return String(bytes.readUIntBE(0, 6) % 1_000_000).padStart(6, "0")
}

/** The text with each place for a code filled in. Only the text of a code has one, and nobody else writes that text. */
export const withPhoneCode = (text: string, secrets: SecretBox): string =>
  text.replace(place, (_, codeId: string) => phoneCodeOf(secrets, codeId))

/** As the template writes it: [code <id>]. */
const place = /\[code ([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\]/g
