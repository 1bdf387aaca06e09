/** The Range header of a request, as far as this server answers it: one range of bytes (RFC 9110, 14.1.2). */

/**
 * First and last byte, both included.
 * - "none": there are no such bytes.
 * - "whole": the header asks for no range, or for one that may be ignored, such as several at once.
 */
export function rangeOf(header: string | null, size: number): readonly [number, number] | "whole" | "none" {
  const [match, from = "", to = ""] = /^\s*bytes\s*=\s*(\d{0,15})-(\d{0,15})\s*$/i.exec(header ?? "") ?? []
  if (match === undefined || (from === "" && to === "")) return "whole"
  if (from === "") {
    const length = Math.min(Number(to), size)
    return length === 0 ? "none" : [size - length, size - 1]
  }
  const [first, last] = [Number(from), to === "" ? size - 1 : Math.min(Number(to), size - 1)]
  if (to !== "" && Number(to) < first) return "whole"
  return first >= size ? "none" : [first, last]
}
