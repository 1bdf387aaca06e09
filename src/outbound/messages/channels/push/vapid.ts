/**
 * How the server shows a push service who it is (VAPID, RFC 8292): a token, signed with the key that the browser
 * subscribed with. A token is for one push service, and is used again for an hour.
 */
import { createECDH, createPrivateKey, type KeyObject, sign } from "node:crypto"
import { clock } from "#base/clock.ts"
import { curve } from "./encrypt.ts"

export interface VapidKey {
  /** The uncompressed point in base64url, as browsers take it. */
  readonly publicKey: string
  /** 32 bytes in base64url. */
  readonly privateKey: string
}

/** Signs for push services. */
export interface Vapid {
  readonly publicKey: string
  /** The value of the header Authorization for a request to this URL. */
  readonly authorization: (url: string) => string
}

/** A new pair of keys. */
export function newVapidKey(): VapidKey {
  const pair = createECDH(curve)
  pair.generateKeys()
  // Leading zeros are part of a key, and getPrivateKey leaves them out.
  const privateKey = Buffer.alloc(32)
  const bytes = pair.getPrivateKey()
  bytes.copy(privateKey, 32 - bytes.length)
  return { publicKey: pair.getPublicKey("base64url"), privateKey: privateKey.toString("base64url") }
}

/** The pair of a private key. Undefined: it is none of P-256. @param privateKey base64url */
export function vapidKeyOf(privateKey: string): VapidKey | undefined {
  if (!/^[A-Za-z0-9_-]{43}$/.test(privateKey)) return undefined
  try {
    const pair = createECDH(curve)
    pair.setPrivateKey(Buffer.from(privateKey, "base64url"))
    return { publicKey: pair.getPublicKey("base64url"), privateKey }
  } catch {
    return undefined
  }
}

/** @param subject mailto: or https:, by which the operator of a push service reaches the operator of this server */
export function vapidOf(key: VapidKey, subject: string): Vapid {
  const point = Buffer.from(key.publicKey, "base64url")
  const signer = createPrivateKey({
    format: "jwk",
    key: {
      kty: "EC",
      crv: "P-256",
      d: key.privateKey,
      x: point.subarray(1, 33).toString("base64url"),
      y: point.subarray(33).toString("base64url"),
    },
  })
  const tokens = new Map<string, { readonly token: string; readonly madeAt: number }>()
  return {
    publicKey: key.publicKey,
    authorization(url) {
      const { origin } = new URL(url)
      const now = clock.now()
      const known = tokens.get(origin)
      if (known && Math.abs(now - known.madeAt) < reusedMs) return headerOf(known.token)
      const token = tokenFor(signer, origin, subject, now)
      if (tokens.size >= maxTokens) tokens.clear()
      tokens.set(origin, { token, madeAt: now })
      return headerOf(token)
    },
  }

  function headerOf(token: string): string {
    return `vapid t=${token}, k=${key.publicKey}`
  }
}

/** RFC 8292 allows at most 24 hours. Apple refuses tokens that are used for longer than a day. */
const lastsSeconds = 12 * 60 * 60
const reusedMs = 60 * 60 * 1_000
/** Browsers use four push services; the address of a subscription is a caller's text. */
const maxTokens = 1_000

function tokenFor(signer: KeyObject, audience: string, subject: string, now: number): string {
  const claims = { aud: audience, exp: Math.floor(now / 1_000) + lastsSeconds, sub: subject }
  const signed = `${part({ typ: "JWT", alg: "ES256" })}.${part(claims)}`
  const signature = sign("sha256", Buffer.from(signed), { key: signer, dsaEncoding: "ieee-p1363" })
  return `${signed}.${signature.toString("base64url")}`
}

const part = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url")
