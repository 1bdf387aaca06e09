/** The headers of tus 1.0 (https://tus.io/protocols/resumable-upload), read strictly. */
import { InvalidInput } from "#base/errors.ts"
import { BadRequest } from "#http/problems.ts"

export const tusVersion = "1.0.0"
/** Not concatenation: parallel parts multiply a client's retries, and its server must keep and join them. */
export const tusExtensions = "creation,expiration,checksum,termination"
const algorithms = ["sha1", "sha256", "md5"] as const
export const tusAlgorithms = algorithms.join(",")
export const partType = "application/offset+octet-stream"
/** Characters. */
export const longestMetadata = 4_000

/** Throws BadRequest 412, with the version that is spoken here. */
export function requireTus(headers: Headers): void {
  if (headers.get("tus-resumable") === tusVersion) return
  throw new BadRequest(412, "tus_version_unknown", `Send the header Tus-Resumable: ${tusVersion}.`, {
    "tus-version": tusVersion,
  })
}

/** A whole number of bytes. Throws InvalidInput. */
export function bytesIn(headers: Headers, name: "upload-length" | "upload-offset"): number {
  const text = headers.get(name) ?? ""
  if (/^\d{1,15}$/.test(text)) return Number(text)
  throw new InvalidInput([{ path: `headers.${name}`, message: "Expected a whole number of bytes" }])
}

export interface UploadMetadata {
  readonly fileName: string
  readonly isVoiceNote: boolean
  /** Hex, in lower case. */
  readonly sha256: string | null
}

/** The keys that count: filename, voiceNote, sha256 (hex). Throws InvalidInput. */
export function metadataIn(text: string): UploadMetadata {
  const values = new Map<string, string>()
  if (text.length > longestMetadata) throw wrongMetadata(`Expected at most ${longestMetadata} characters`)
  for (const pair of text.split(",").map((each) => each.trim())) {
    if (pair === "") continue
    const [, key = "", value = ""] = /^([!-+\--~]+)(?: ([A-Za-z0-9+/]*={0,2}))?$/.exec(pair) ?? []
    if (key === "" || values.has(key)) throw wrongMetadata("Expected pairs of a key and a value in base64")
    values.set(key, Buffer.from(value, "base64").toString("utf8"))
  }
  const sha256 = values.get("sha256")?.toLowerCase()
  if (sha256 !== undefined && !/^[0-9a-f]{64}$/.test(sha256)) throw wrongMetadata("Expected sha256 as 64 hex digits")
  return {
    // The database takes no NUL, and nobody sees the others.
    fileName: (values.get("filename") ?? values.get("name") ?? "").replace(/\p{C}/gu, ""),
    isVoiceNote: values.get("voiceNote") === "true",
    sha256: sha256 ?? null,
  }
}

export interface Checksum {
  readonly algorithm: (typeof algorithms)[number]
  readonly digest: Buffer
}

/** Upload-Checksum of a part; undefined: there is none. Throws BadRequest 400. */
export function checksumIn(headers: Headers): Checksum | undefined {
  const text = headers.get("upload-checksum")
  if (text === null) return undefined
  const [name = "", digest = ""] = text.split(" ")
  const algorithm = algorithms.find((each) => each === name)
  if (algorithm === undefined || !/^[A-Za-z0-9+/]+={0,2}$/.test(digest)) {
    throw new BadRequest(400, "checksum_unknown", `Upload-Checksum has one of ${tusAlgorithms}, and the sum in base64.`)
  }
  return { algorithm, digest: Buffer.from(digest, "base64") }
}

/** The hash of a whole file as a header (RFC 9530). */
export const reprDigestOf = (sha256: string): string => `sha-256=:${Buffer.from(sha256, "hex").toString("base64")}:`

/**
 * Whether a client speaks of another file than the upload's: it sends Repr-Digest with the hash of its file, and the
 * upload's is known. Without that header nobody can tell.
 */
export function isOtherFile(headers: Headers, sha256: string | null): boolean {
  const said = /sha-256=:([A-Za-z0-9+/]+={0,2}):/.exec(headers.get("repr-digest") ?? "")?.[1]
  return said !== undefined && sha256 !== null && Buffer.from(said, "base64").toString("hex") !== sha256
}

const wrongMetadata = (message: string) => new InvalidInput([{ path: "headers.upload-metadata", message }])
