/**
 * Reads a multipart/form-data body as it arrives (RFC 7578). Fields are kept. Files are handed on as streams, one
 * after the other. The sender is slowed down to the speed of the file's reader. On any failure, also when the sender
 * disconnects, the stream of the current file fails. The answer then waits until every reader of a file has cleaned
 * up.
 */
import { once } from "node:events"
import busboy from "busboy"
import { incompleteBody } from "./body.ts"
import { bodyLimits } from "./body-limits.ts"
import { BadRequest } from "./problems.ts"

export interface FilePart {
  readonly name: string
  /** The name that the client gives the file; empty when it gives none. */
  readonly fileName: string
  readonly bytes: AsyncIterable<Uint8Array>
}

export interface FormLimits {
  /** Bytes of the whole body. */
  readonly bytes: number
  readonly files: number
}

/** Limits for a field's name and value. Our longest text has 10,000 characters, of at most four bytes each. */
const maxNameBytes = 100
const maxValueBytes = 40_000
const maxFields = 100
/** Characters of all values together: as much as the same input has as JSON. */
const maxValues = bodyLimits.large.bytes

export const isMultipart = (request: Request): boolean =>
  /^multipart\/form-data\s*(;|$)/i.test(request.headers.get("content-type")?.trim() ?? "")

/**
 * The fields by their names, in their order. `take` is called for each file. It must read the file's bytes to the
 * end, or throw.
 * @throws BadRequest 413, 415, 422 `malformed_multipart`, and the errors of `take`
 */
export async function readForm(
  request: Request,
  limits: FormLimits,
  take: (part: FilePart) => Promise<void>,
): Promise<ReadonlyMap<string, readonly string[]>> {
  if (Number(request.headers.get("content-length") ?? 0) > limits.bytes) throw tooLarge(limits.bytes)
  const parser = parserOf(request, limits)
  const reader = request.body?.getReader()
  const stopped = new AbortController()
  let failure: { readonly error: unknown } | undefined
  // The first failure is the answer; nothing waits any more.
  const fail = (error: unknown) => {
    failure ??= { error }
    stopped.abort()
    parser.destroy()
    reader?.cancel().catch(() => {})
  }
  const gone = () => fail(incompleteBody())
  request.signal.addEventListener("abort", gone)
  const fields = new Map<string, string[]>()
  let characters = 0
  const taking: Promise<void>[] = []
  parser.on("field", (name, value, { valueTruncated }) => {
    characters += value.length
    // busboy 1.6 has a limit for names, and applies it to other forms only.
    if (Buffer.byteLength(name ?? "") > maxNameBytes || valueTruncated || characters > maxValues)
      fail(malformed("The fields are too long."))
    else fields.set(name, [...(fields.get(name) ?? []), value])
  })
  parser.on("file", (name, bytes, { filename }) => {
    // The reader of the stream sees its failure. Without this listener a failure with no reader stops the process.
    bytes.on("error", () => {})
    taking.push(take({ name: name ?? "", fileName: filename ?? "", bytes }).catch(fail))
  })
  for (const limit of ["partsLimit", "filesLimit", "fieldsLimit"] as const) {
    parser.on(limit, () => fail(malformed("There are too many parts.")))
  }
  parser.on("error", (error) => fail(malformed(`The body is not a form: ${(error as Error).message}.`)))
  await feed(parser, reader, limits.bytes, stopped.signal).catch(fail)
  await Promise.all(taking)
  request.signal.removeEventListener("abort", gone)
  if (failure) throw failure.error
  return fields
}

type Reader = { read(): Promise<{ done: boolean; value?: Uint8Array | undefined }> }

// No promise outlives a turn of the loop. A race against a longer promise would keep every piece of the body in
// memory.
async function feed(
  parser: busboy.Busboy,
  reader: Reader | undefined,
  maxBytes: number,
  signal: AbortSignal,
): Promise<void> {
  for (let length = 0; reader !== undefined; ) {
    const { done, value } = await reader.read().catch(() => Promise.reject(incompleteBody()))
    if (signal.aborted) return
    if (done || value === undefined) break
    length += value.byteLength
    if (length > maxBytes) throw tooLarge(maxBytes)
    if (!parser.write(value)) await once(parser, "drain", { signal })
  }
  const closed = once(parser, "close", { signal })
  parser.end()
  await closed
}

function parserOf(request: Request, limits: FormLimits): busboy.Busboy {
  if (!isMultipart(request)) {
    throw new BadRequest(415, "unsupported_media_type", "Send a form, with Content-Type: multipart/form-data.")
  }
  try {
    return busboy({
      headers: { "content-type": request.headers.get("content-type") ?? "" },
      // Names are UTF-8 in every browser. The parser itself takes the last part of a path.
      defParamCharset: "utf8",
      limits: { fieldSize: maxValueBytes, fields: maxFields, files: limits.files },
    })
  } catch (error) {
    throw malformed(`The body is not a form: ${(error as Error).message}.`)
  }
}

const malformed = (message: string) => new BadRequest(422, "malformed_multipart", message)

const tooLarge = (maxBytes: number) =>
  new BadRequest(413, "body_too_large", `The body is larger than ${maxBytes} bytes.`, { connection: "close" })
