/**
 * The token of a message's link to its booking. It is derived from the id of the message and the address that the mail
 * goes to, under the secret key, and kept nowhere. Somebody who reads the table of messages cannot make one. After the
 * person has another address, the links in the old mailbox open nothing.
 */
import { timingSafeEqual } from "node:crypto"
import { isId } from "#base/ids.ts"
import type { SecretBox } from "#base/secrets.ts"

const markBytes = 16
const idBytes = 16

/** @param address where the mail goes */
export function tokenOfMessage(
  secrets: SecretBox,
  { id, address }: { readonly id: string; readonly address: string },
): string {
  const name = Buffer.from(id.replaceAll("-", ""), "hex")
  return Buffer.concat([name, markOf(secrets, id, address)]).toString("base64url")
}

/** The message that a token names. It is not proven yet. Undefined: it is no token. */
export function messageIn(token: string): string | undefined {
  if (!/^[A-Za-z0-9_-]{43}$/.test(token)) return undefined
  const hex = Buffer.from(token, "base64url").subarray(0, idBytes).toString("hex")
  const id = hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5")
  return isId(id) ? id : undefined
}

/** Whether the token was made for this message and address. */
export function isTokenOf(secrets: SecretBox, token: string, id: string, address: string): boolean {
  const mark = Buffer.from(token, "base64url").subarray(idBytes)
  return mark.length === markBytes && timingSafeEqual(mark, markOf(secrets, id, address))
}

const markOf = (secrets: SecretBox, id: string, address: string): Buffer =>
  secrets.fingerprint(`${id} ${address.toLowerCase()}`, "link of a message").subarray(0, markBytes)
