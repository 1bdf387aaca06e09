/** Secrets at rest: AES-256-GCM under SLOTBASE_SECRET_KEY, and hashes of tokens. Nothing here is ever logged. */
import { createCipheriv, createDecipheriv, createHash, createHmac, randomBytes, timingSafeEqual } from "node:crypto"

const ivBytes = 12
const tagBytes = 16

/** Seals and opens text. A sealed value is iv, tag and ciphertext; `purpose` binds it to its place. */
export interface SecretBox {
  readonly seal: (text: string, purpose: string) => Buffer
  readonly open: (sealed: Uint8Array, purpose: string) => string
  /** HMAC-SHA256 under the same key, to recognize a text again. From a bare hash the text could be guessed. */
  readonly fingerprint: (text: string, purpose: string) => Buffer
}

/** @param key 32 bytes. */
export function secretBox(key: Uint8Array): SecretBox {
  return {
    seal(text, purpose) {
      const iv = randomBytes(ivBytes)
      const cipher = createCipheriv("aes-256-gcm", key, iv).setAAD(Buffer.from(purpose))
      const ciphertext = Buffer.concat([cipher.update(text, "utf8"), cipher.final()])
      return Buffer.concat([iv, cipher.getAuthTag(), ciphertext])
    },
    open(sealed, purpose) {
      const decipher = createDecipheriv("aes-256-gcm", key, sealed.subarray(0, ivBytes), { authTagLength: tagBytes })
        .setAAD(Buffer.from(purpose))
        .setAuthTag(sealed.subarray(ivBytes, ivBytes + tagBytes))
      return decipher.update(sealed.subarray(ivBytes + tagBytes), undefined, "utf8") + decipher.final("utf8")
    },
    fingerprint: (text, purpose) => createHmac("sha256", key).update(`${purpose}\0${text}`).digest(),
  }
}

/** A new secret token: 256 random bits in base64url, with a prefix that names its kind. */
export const newToken = (prefix: string): string => `${prefix}_${randomBytes(32).toString("base64url")}`

/** SHA-256, for tokens of full entropy, which need no slow hash. */
export const hashToken = (token: string): Buffer => createHash("sha256").update(token).digest()

/** Compares in constant time. */
export const sameSecret = (a: string, b: string): boolean => timingSafeEqual(hashToken(a), hashToken(b))
