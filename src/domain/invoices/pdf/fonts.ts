/**
 * The fonts of papers: Noto Sans, embedded in each file. It has Latin with its extensions, Greek, Cyrillic, Vietnamese
 * and Devanagari. A character that it lacks is shown as a question mark, because a PDF/A must not hold an unknown
 * glyph. The XML and the API have the true text.
 */
import type { PaperPage } from "#domain/invoices/papers/page.ts"

const files = {
  regular: "400Regular/NotoSans_400Regular.ttf",
  bold: "700Bold/NotoSans_700Bold.ttf",
}

export const fontFile = (weight: keyof typeof files): string =>
  Bun.resolveSync(`@expo-google-fonts/noto-sans/${files[weight]}`, import.meta.dir)

/** The page with every text as the document's present font can show it. */
export function shownIn(doc: PDFKit.PDFDocument, page: PaperPage): PaperPage {
  // pdfkit has no public way to ask.
  const { font } = (doc as unknown as { _font: { font: { hasGlyphForCodePoint: (point: number) => boolean } } })._font
  const shown = (text: string) =>
    [...text.normalize("NFC")]
      .map((each) => (each === "\n" || font.hasGlyphForCodePoint(each.codePointAt(0) ?? 0) ? each : "?"))
      .join("")
  return mapped(page, shown) as PaperPage
}

function mapped(value: unknown, shown: (text: string) => string): unknown {
  if (typeof value === "string") return shown(value)
  if (Array.isArray(value)) return value.map((each) => mapped(each, shown))
  if (typeof value !== "object" || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, mapped(inner, shown)]))
}
