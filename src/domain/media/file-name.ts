/** The name of an uploaded file, as people see it: a label, of which no path is ever made. */
import type { MediaKind } from "./kinds.ts"

const maxStemLength = 120

/**
 * What of the client's name can be shown: its last part, without control characters and what turns the direction of text,
 * without what file systems refuse, and with an extension of its kind ("holiday.exe" that is a photo becomes
 * "holiday.exe.jpg"). Never empty.
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

/** Content-Disposition of a file that is shown in place and saved under its label (RFC 6266, RFC 8187). */
export function dispositionOf(label: string): string {
  const ascii = label.replace(/[^\x20-\x7e]|["\\%]/g, "_")
  const encoded = encodeURIComponent(label).replace(/['()*]/g, (mark) => `%${mark.charCodeAt(0).toString(16)}`)
  return `inline; filename="${ascii}"; filename*=UTF-8''${encoded}`
}
