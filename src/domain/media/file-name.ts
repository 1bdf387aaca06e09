/** The name of an uploaded file as people see it. It is a label: no path is ever made from it. */
import type { MediaKind } from "./kinds.ts"

const maxStemLength = 120

/**
 * The printable part of the client's file name; never empty.
 *
 * - its last path segment
 * - without control characters and characters that change the direction of text
 * - without characters that file systems refuse
 * - with an extension of its kind: a photo called "holiday.exe" becomes "holiday.exe.jpg"
 */
export function labelOf(given: string, { mediaType, extensions }: MediaKind): string {
  const last = given.normalize("NFC").split(/[/\\]/).at(-1) ?? ""
  const clean = last
    .replace(/[\p{C}\p{Zl}\p{Zp}]/gu, "")
    .replace(/[<>:"|?*]/g, "_")
    .replace(/\s+/g, " ")
    .replace(/^[. ]+|[. ]+$/g, "")
  const [, stem = clean, extension = ""] = /^(.+)\.([^.]+)$/.exec(clean) ?? []
  const fits = extensions.includes(extension.toLowerCase())
  const shown = [...(fits ? stem : clean)].slice(0, maxStemLength).join("").trimEnd() || mediaType
  return `${shown}.${fits ? extension : extensions[0]}`
}

/** The Content-Disposition of a file that is shown inline and saved under its label (RFC 6266, RFC 8187). */
export function dispositionOf(label: string): string {
  const ascii = label.replace(/[^\x20-\x7e]|["\\%]/g, "_")
  const encoded = encodeURIComponent(label).replace(/['()*]/g, (mark) => `%${mark.charCodeAt(0).toString(16)}`)
  return `inline; filename="${ascii}"; filename*=UTF-8''${encoded}`
}
