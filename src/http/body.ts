/** Reads a JSON body within its limit, as checked UTF-8. The text is kept for the Idempotency-Key. */
import { BadRequest } from "./problems.ts"

/** 1 MiB. The largest body that we know, a webhook with a template, stays below 100 KiB. */
export const maxBodyBytes = 1024 * 1024

/** The parsed body; an empty one counts as {}. Throws BadRequest (413, 415, or 422 `malformed_json`). */
export async function readBody(request: Request): Promise<unknown> {
  const type = request.headers.get("content-type")?.split(";")[0]?.trim().toLowerCase() ?? ""
  const length = request.headers.get("content-length")
  if (Number(length ?? 0) > maxBodyBytes) throw tooLarge()
  const bytes = length === null ? await readBounded(request) : new Uint8Array(await request.arrayBuffer())
  if (bytes.byteLength === 0) return {}
  if (type !== "" && type !== "application/json" && !/^application\/[a-z0-9.-]+\+json$/.test(type)) {
    throw new BadRequest(415, "unsupported_media_type", "Send JSON, with the header Content-Type: application/json.")
  }
  const text = utf8(bytes)
  texts.set(request, text)
  return parse(text)
}

/** The text of the body that `readBody` has read; empty when there was none. */
export const bodyTextOf = (request: Request): string => texts.get(request) ?? ""

/** For a body that was read in another way: a text that is the same when the same body is sent again. */
export const keepBodyText = (request: Request, text: string): void => void texts.set(request, text)

/** A body without a stated length is read piece by piece, and no further than the limit. */
async function readBounded(request: Request): Promise<Uint8Array> {
  const pieces: Uint8Array[] = []
  let length = 0
  for await (const piece of request.body ?? []) {
    length += piece.byteLength
    if (length > maxBodyBytes) throw tooLarge()
    pieces.push(piece)
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

const tooLarge = () =>
  new BadRequest(413, "body_too_large", `The body is larger than ${maxBodyBytes} bytes.`, { connection: "close" })
