/**
 * A push service and a browser of the test. The browser decrypts with `http_ece`, an implementation that SlotBase does
 * not use.
 */
import { createECDH, randomBytes } from "node:crypto"
import ece from "http_ece"

export interface Browser {
  readonly keys: { readonly p256dh: Buffer; readonly auth: Buffer }
  readonly decrypt: (body: Uint8Array) => Buffer
}

export function aBrowser(): Browser {
  const pair = createECDH("prime256v1")
  const [p256dh, auth] = [pair.generateKeys(), randomBytes(16)]
  return {
    keys: { p256dh, auth },
    decrypt: (body) =>
      ece.decrypt(Buffer.from(body), {
        version: "aes128gcm",
        privateKey: pair,
        authSecret: auth.toString("base64url"),
      }),
  }
}
