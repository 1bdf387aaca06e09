// Self-signed certificates (X.509 v3, RFC 5280), written by hand because node:crypto signs and makes no certificates.

import { generateKeyPairSync, type KeyObject, randomBytes, sign, X509Certificate } from "node:crypto"

export interface Certificate {
  /** PEM. */
  readonly cert: string
  readonly key: string
}

/** Object identifiers of signatures (RFC 4055, RFC 5758, RFC 8410), with the hash that each one names. */
const signatures = {
  "rsa-sha256": { oid: "2a864886f70d01010b", hash: "sha256" },
  "rsa-sha384": { oid: "2a864886f70d01010c", hash: "sha384" },
  "rsa-sha512": { oid: "2a864886f70d01010d", hash: "sha512" },
  "ecdsa-sha256": { oid: "2a8648ce3d040302", hash: "sha256" },
  "ecdsa-sha384": { oid: "2a8648ce3d040303", hash: "sha384" },
  ed25519: { oid: "2b6570", hash: null },
} as const
export type SignatureKind = keyof typeof signatures
export const signatureKinds = Object.keys(signatures) as SignatureKind[]

/** A certificate for a name, or for the address 127.0.0.1, signed by itself. @param until the end of its validity. */
export function selfSigned({
  kind = "rsa-sha256" as SignatureKind,
  name = "127.0.0.1",
  until = new Date("2090-01-01T00:00:00Z"),
} = {}): Certificate {
  const { privateKey, publicKey } = keysFor(kind)
  const { oid, hash } = signatures[kind]
  const algorithm = der(0x30, der(0x06, Buffer.from(oid, "hex")), ...(kind.startsWith("rsa") ? [der(0x05)] : []))
  const subject = der(0x30, der(0x31, der(0x30, der(0x06, Buffer.from("550403", "hex")), der(0x0c, Buffer.from(name)))))
  const isAddress = name === "127.0.0.1"
  const names = der(0x30, isAddress ? der(0x87, Buffer.from([127, 0, 0, 1])) : der(0x82, Buffer.from(name)))
  const extension = (id: string, value: Buffer) => der(0x30, der(0x06, Buffer.from(id, "hex")), der(0x04, value))
  const body = der(
    0x30,
    der(0xa0, der(0x02, Buffer.from([2]))),
    der(0x02, Buffer.concat([Buffer.from([1]), randomBytes(8)])),
    algorithm,
    subject,
    der(0x30, time(new Date("2020-01-01T00:00:00Z")), time(until)),
    subject,
    publicKey.export({ type: "spki", format: "der" }),
    // basicConstraints: an authority, so that it can be its own root; subjectAltName.
    der(0xa3, der(0x30, extension("551d13", der(0x30, der(0x01, Buffer.from([255])))), extension("551d11", names))),
  )
  const whole = der(0x30, body, algorithm, der(0x03, Buffer.concat([Buffer.from([0]), sign(hash, body, privateKey)])))
  return {
    cert: new X509Certificate(whole).toString(),
    key: privateKey.export({ type: "pkcs8", format: "pem" }) as string,
  }
}

function keysFor(kind: SignatureKind): { readonly privateKey: KeyObject; readonly publicKey: KeyObject } {
  if (kind === "ed25519") return generateKeyPairSync("ed25519")
  if (kind.startsWith("rsa")) return generateKeyPairSync("rsa", { modulusLength: 2048 })
  return generateKeyPairSync("ec", { namedCurve: "P-256" })
}

/** GeneralizedTime: seconds, UTC. */
const time = (at: Date) => der(0x18, Buffer.from(`${at.toISOString().replace(/[-:T]/g, "").slice(0, 14)}Z`))

/** An element of DER: its tag, its length and its contents. */
function der(tag: number, ...contents: readonly Uint8Array[]): Buffer {
  const content = Buffer.concat(contents)
  const { length } = content
  const size = length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 255]
  return Buffer.concat([Buffer.from([tag, ...size]), content])
}
