/** Reads a JSON body within the limits of its route, as checked UTF-8. The text is kept for the Idempotency-Key. */
import { metrics } from "#events/metrics.ts"
import { type BodyLimits, bodyLimits } from "./body-limits.ts"
import { refuseComplex } from "./complexity.ts"
import { BadRequest } from "./problems.ts"

/**
 * The parsed body; an empty one counts as {}. A body that is too large is refused before it is read, or while it is.
 * One that is too complex is refused before it is parsed.
 * Throws BadRequest (400 `incomplete_body`, 413, 415, or 422 `malformed_json` and `body_too_complex`).
 */
export async function readBody(request: Request, limits: BodyLimits = bodyLimits.usual): Promise<unknown> {
  const type = request.headers.get("content-type")?.split(";")[0]?.trim().toLowerCase() ?? ""
  const length = request.headers.get("content-length")
  if (Number(length ?? 0) > limits.bytes) throw tooLarge(limits.bytes)
  const bytes = await (length === null ? readBounded(request, limits.bytes) : readWhole(request))
  if (bytes.byteLength === 0) return {}
  if (type !== "" && type !== "application/json" && !/^application\/[a-z0-9.-]+\+json$/.test(type)) {
    throw new BadRequest(415, "unsupported_media_type", "Send JSON, with the header Content-Type: application/json.")
  }
  refuseComplex(bytes, limits)
  const text = utf8(bytes)
  texts.set(request, text)
  return parse(text)
}

/**
 * The fields of a form without files, as a browser sends it. Throws BadRequest (400 `incomplete_body`, 413, 415, or 422
 * `malformed_json`).
 */
export async function readFormFields(request: Request, limits: BodyLimits): Promise<URLSearchParams> {
  const type = request.headers.get("content-type")?.split(";")[0]?.trim().toLowerCase()
  if (type !== "application/x-www-form-urlencoded") {
    throw new BadRequest(415, "unsupported_media_type", "Send the form of the page.")
  }
  if (Number(request.headers.get("content-length") ?? 0) > limits.bytes) throw tooLarge(limits.bytes)
  const text = utf8(await readBounded(request, limits.bytes))
  texts.set(request, text)
  return new URLSearchParams(text)
}

/**
 * The fields of a form in either of its two forms. Mail programs send an unsubscription in parts (RFC 8058, section
 * 3.1). Parts that make no sense are a form without fields.
 */
export async function readSmallForm(request: Request, limits: BodyLimits): Promise<{ get(name: string): unknown }> {
  const type = request.headers.get("content-type") ?? ""
  if (!/^multipart\/form-data\s*;/i.test(type)) return readFormFields(request, limits)
  if (Number(request.headers.get("content-length") ?? 0) > limits.bytes) throw tooLarge(limits.bytes)
  const bytes = await readBounded(request, limits.bytes)
  return await new Response(new Blob([new Uint8Array(bytes)]), { headers: { "content-type": type } })
    .formData()
    .catch(() => new URLSearchParams())
}

/** The client closed the connection before the end of its body. Nobody reads the answer: it is counted, not logged. */
export function incompleteBody(): BadRequest {
  metrics.aborted()
  return new BadRequest(400, "incomplete_body", "The body ended before its length.")
}

/** The text of the body that `readBody` has read; empty when there was none. */
export const bodyTextOf = (request: Request): string => texts.get(request) ?? ""

/** For a body that was read in another way: a text that is the same when the same body is sent again. */
export const keepBodyText = (request: Request, text: string): void => void texts.set(request, text)

const readWhole = async (request: Request) =>
  new Uint8Array(
    await request.arrayBuffer().catch((): never => {
      throw incompleteBody()
    }),
  )

/** A body without a stated length is read piece by piece, and no further than the limit. */
async function readBounded(request: Request, maxBytes: number): Promise<Uint8Array> {
  const reader = request.body?.getReader()
  const pieces: Uint8Array[] = []
  for (let length = 0; reader !== undefined; ) {
    const { done, value } = await reader.read().catch(() => Promise.reject(incompleteBody()))
    if (done) break
    length += value.byteLength
    if (length > maxBytes) {
      reader.cancel().catch(() => {})
      throw tooLarge(maxBytes)
    }
    pieces.push(value)
  }
  return Buffer.concat(pieces)
}

const texts = new WeakMap<Request, string>()
const decoder = new TextDecoder("utf-8", { fatal: true })

function utf8(bytes: Uint8Array): string {
  try {
    return decoder.decode(bytes)
  } catch {
    throw new BadRequest(422, "malformed_json", "The body is not UTF-8.")
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    const reason = error instanceof Error ? error.message.replace(/^JSON Parse error: /, "") : ""
    throw new BadRequest(422, "malformed_json", `The body is not JSON: ${reason.slice(0, 200)}.`)
  }
}

const tooLarge = (maxBytes: number) =>
  new BadRequest(413, "body_too_large", `The body is larger than ${maxBytes} bytes.`, { connection: "close" })
