/** A task of a child process: the type that the first bytes of a file show, or null. */
import { fileTypeFromBuffer } from "file-type"

/** @param head in base64 */
export default async ({ head }: { readonly head: string }): Promise<string | null> =>
  (await fileTypeFromBuffer(Buffer.from(head, "base64")))?.mime ?? null
