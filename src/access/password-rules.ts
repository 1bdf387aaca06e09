/**
 * Which passwords are refused although they are long enough: the ones that are tried first (NIST SP 800-63B, 3.1.1.2).
 * The list is zxcvbn's, of 49,000 passwords from leaks. Only setting a password asks here; signing in never does.
 */
import { RuleBroken } from "#base/errors.ts"

/** Whom a password is for, as far as known. */
export interface PasswordOwner {
  readonly email?: string | undefined
  readonly firstName?: string | undefined
  readonly lastName?: string | undefined
}

/** Throws RuleBroken `weak_password`. */
export function requireStrongPassword(password: string, owner: PasswordOwner, path = "body.password"): void {
  const fault = faultOf(lettersOf(password), owner)
  if (fault === undefined) return
  const detail = `The password ${fault}, so it is easy to guess. A few words that belong to nothing are a good password.`
  throw new RuleBroken("weak_password", detail, [{ path, message: "Expected a less common password" }])
}

/** The words of the list, in small letters. It is unpacked for the first password: it takes 60 ms and 20 MB. */
const common = (): ReadonlySet<string> => {
  if (known === undefined) {
    const { dictionary } = require("@zxcvbn-ts/language-common") as typeof import("@zxcvbn-ts/language-common")
    known = new Set(dictionary["passwords-common"])
  }
  return known
}
let known: ReadonlySet<string> | undefined
/** The first guesses at this service. */
const ofTheService: ReadonlySet<string> = new Set(["slotbase"])
/** Digits and signs behind a word, such as in "password2026!", that make no difference to who guesses. */
const longestEnding = 5
/** A text of so many characters, over and over, is no password. */
const longestRepeated = 4

/** Capitals and the form of a character make no difference to who guesses. */
const lettersOf = (text: string) => text.normalize("NFKC").toLowerCase()

function faultOf(password: string, { email, firstName, lastName }: PasswordOwner): string | undefined {
  if (password.trim() === "") return "is blank"
  if (new RegExp(`^(.{1,${longestRepeated}})\\1+$`, "su").test(password)) return "repeats the same characters"
  if (isSequence(password)) return "is a sequence"
  const words = beginnings(password)
  if (words.some((word) => common().has(word) || ofTheService.has(word))) return "is a common one"
  const address = lettersOf(email ?? "")
  const [first, last] = [lettersOf(firstName ?? ""), lettersOf(lastName ?? "")]
  const own = [address, address.replace(/@.*/s, ""), first, last, `${first}${last}`, `${last}${first}`].map(bare)
  return words.some((word) => bare(word) !== "" && own.includes(bare(word)))
    ? "is the person's own name or address"
    : undefined
}

/** The password, and each beginning of it that only digits and signs follow. */
function beginnings(password: string): string[] {
  const characters = [...password]
  const found = [password]
  for (let dropped = 1; dropped <= longestEnding && dropped < characters.length; dropped++) {
    if (/[\p{L}\p{M}]/u.test(characters.at(-dropped) ?? "")) break
    found.push(characters.slice(0, -dropped).join(""))
  }
  return found
}

/** Whether each character is the one after, or the one before, its neighbour: 12345678, hgfedcba. */
function isSequence(password: string): boolean {
  const codes = [...password].map((character) => character.codePointAt(0) ?? 0)
  const step = (codes[1] ?? 0) - (codes[0] ?? 0)
  return Math.abs(step) === 1 && codes.every((code, at) => at === 0 || code - (codes[at - 1] ?? 0) === step)
}

/** Without blanks and signs: "mia.keller" and "Mia Keller" are one name. */
const bare = (text: string) => text.replace(/[^\p{L}\p{M}\p{N}]/gu, "")
