/**
 * The bytes to which SCRAM-SHA-256-PLUS binds a password: the hash of the server's certificate, `tls-server-end-point`
 * of RFC 5929, section 4. The hash function is that of the certificate's signature. SHA-256 stands for MD5 and SHA-1.
 */
import { createHash } from "node:crypto"
import type { TLSSocket } from "node:tls"

/** Undefined when the connection has no certificate, or its signature names no hash function. */
export function certificateHash(socket: TLSSocket): Buffer | undefined {
  const der = socket.getPeerCertificate?.(true)?.raw
  if (!der) return undefined
  const hash = hashOfSignature(der)
  return hash === undefined ? undefined : createHash(hash).update(der).digest()
}

/** Object identifiers of signatures, as the hexadecimal bytes of DER. */
const hashes: Readonly<Record<string, string>> = {
  "2a864886f70d010104": "sha256", // md5WithRSAEncryption
  "2a864886f70d010105": "sha256", // sha1WithRSAEncryption
  "2a864886f70d01010b": "sha256",
  "2a864886f70d01010c": "sha384",
  "2a864886f70d01010d": "sha512",
  "2a8648ce3d0401": "sha256", // ecdsa-with-SHA1
  "2a8648ce3d040302": "sha256",
  "2a8648ce3d040303": "sha384",
  "2a8648ce3d040304": "sha512",
}

/** Certificate ::= SEQUENCE { tbsCertificate, signatureAlgorithm SEQUENCE { OBJECT IDENTIFIER, … }, … } */
function hashOfSignature(der: Buffer): string | undefined {
  const certificate = elementAt(der, 0)
  const body = elementAt(der, certificate.start)
  const algorithm = elementAt(der, body.end)
  const name = elementAt(der, algorithm.start)
  return hashes[der.subarray(name.start, name.end).toString("hex")]
}

/** Where the contents of a DER element begin and end. */
function elementAt(der: Buffer, at: number): { start: number; end: number } {
  const short = der[at + 1] ?? 0
  if (short < 0x80) return { start: at + 2, end: at + 2 + short }
  const bytes = short & 0x7f
  const start = at + 2 + bytes
  return { start, end: start + der.readUIntBE(at + 2, bytes) }
}
