/**
 * Links to a file's content that need no credentials and end after a time: a browser's <video> and <img> send none. The
 * signature is an HMAC-SHA256 over the file's id and the end, under a key that is derived from SLOTBASE_SECRET_KEY.
 */
import { createHmac, timingSafeEqual } from "node:crypto"
import type { SecretBox } from "#base/secrets.ts"

/** Long enough to watch a video and to go back in it; whoever may no longer see it keeps a link that long at most. */
export const linkSeconds = 60 * 60

/** @param expires unix seconds */
export function linkTo(secrets: SecretBox, mediaId: string, expires: number): string {
  return `/v1/media/${mediaId}/content?expires=${expires}&signature=${signatureOf(secrets, mediaId, String(expires))}`
}

/** Whether the link to that file, with that end, was made by us. That it has not ended is for the database's clock to say. */
export function isOurLink(secrets: SecretBox, mediaId: string, expires: string, signature: string): boolean {
  const [right, given] = [Buffer.from(signatureOf(secrets, mediaId, expires)), Buffer.from(signature)]
  return right.length === given.length && timingSafeEqual(right, given)
}

const signatureOf = (secrets: SecretBox, mediaId: string, expires: string) =>
  createHmac("sha256", secrets.fingerprint("media links", "derived key"))
    .update(`${mediaId}\n${expires}`)
    .digest("base64url")
