/**
 * The token of a message's link to its booking. It is derived from the id of the message and the address that the mail
 * goes to, under the secret key, and kept nowhere. Somebody who reads the table of messages cannot make one. After the
 * person has another address, the links in the old mailbox open nothing.
 */
import { timingSafeEqual } from "node:crypto"
import { isId } from "#base/ids.ts"
import type { SecretBox } from "#base/secrets.ts"

const idBytes = 16
const markBytes = 16

/** A message (notifications.id), with its tenant. */
export interface NamedMessage {
  readonly id: string
  readonly facilityId: string
}

/** @param message its `address` is where the mail goes */
export function tokenOfMessage(secrets: SecretBox, message: NamedMessage & { readonly address: string }): string {
  const name = Buffer.from(`${message.id}${message.facilityId}`.replaceAll("-", ""), "hex")
  return Buffer.concat([name, markOf(secrets, message, message.address)]).toString("base64url")
}

/** The message that a token names. It is not proven yet. Undefined: it is no token. */
export function messageIn(token: string): NamedMessage | undefined {
  if (!/^[A-Za-z0-9_-]{64}$/.test(token)) return undefined
  const bytes = Buffer.from(token, "base64url")
  const [id, facilityId] = [bytes.subarray(0, idBytes), bytes.subarray(idBytes, 2 * idBytes)].map(uuidOf)
  return id && facilityId && isId(id) && isId(facilityId) ? { id, facilityId } : undefined
}

/** Whether the token was made for this message and address. */
export function isTokenOf(secrets: SecretBox, token: string, message: NamedMessage, address: string): boolean {
  const mark = Buffer.from(token, "base64url").subarray(2 * idBytes)
  return mark.length === markBytes && timingSafeEqual(mark, markOf(secrets, message, address))
}

const markOf = (secrets: SecretBox, { id, facilityId }: NamedMessage, address: string): Buffer =>
  secrets.fingerprint(`${id} ${facilityId} ${address.toLowerCase()}`, "link of a message").subarray(0, markBytes)

const uuidOf = (bytes: Buffer) => bytes.toString("hex").replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5")
