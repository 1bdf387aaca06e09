/**
 * Links to a file's content that need no credentials and expire: a browser's <video> and <img> send none. The signature
 * is an HMAC-SHA256 over the file's id and the expiry, under a key derived from SLOTBASE_SECRET_KEY.
 */
import { createHmac, timingSafeEqual } from "node:crypto"
import type { SecretBox } from "#base/secrets.ts"

/** Long enough to watch a video and to go back in it. After a loss of access a link works for that long at most. */
export const linkSeconds = 60 * 60

/** @param expires Unix seconds */
export function linkTo(secrets: SecretBox, mediaId: string, expires: number): string {
  return `/v1/media/${mediaId}/content?expires=${expires}&signature=${signatureOf(secrets, mediaId, String(expires))}`
}

/**
 * Whether SlotBase signed the link for that file and that expiry. The database's clock decides whether the link has
 * expired.
 */
export function isOurLink(secrets: SecretBox, mediaId: string, expires: string, signature: string): boolean {
  const [right, given] = [Buffer.from(signatureOf(secrets, mediaId, expires)), Buffer.from(signature)]
  return right.length === given.length && timingSafeEqual(right, given)
}

const signatureOf = (secrets: SecretBox, mediaId: string, expires: string) =>
  createHmac("sha256", secrets.fingerprint("media links", "derived key"))
    .update(`${mediaId}\n${expires}`)
    .digest("base64url")
