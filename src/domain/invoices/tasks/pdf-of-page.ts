/**
 * A task of a child process: makes a PDF/A-3 of a page, with the XML of Factur-X in it. The fonts are embedded. With
 * the built-in ones pdfkit writes a minus as a quote mark and names as rubble, and still says PDF/A. The same page
 * gives the same bytes: every instant in the file is that of the paper.
 */
import PDFDocument from "pdfkit"
import type { PaperPage } from "#domain/invoices/papers/page.ts"
import { bottom, drawFooters, drawHead, drawLines, drawNotes, drawSums } from "#domain/invoices/pdf/draw.ts"
import { fontFile, shownIn } from "#domain/invoices/pdf/fonts.ts"
import { facturXMetadata } from "#domain/invoices/pdf/metadata.ts"

export interface PdfInput {
  readonly page: PaperPage
  /** Left out: the paper has none. */
  readonly xml?: { readonly name: string; readonly text: string }
}

export default async ({ page, xml }: PdfInput): Promise<{ readonly pdf: string }> => {
  const at = new Date(page.issuedAt)
  const doc = new PDFDocument({
    pdfVersion: "1.7",
    subset: "PDF/A-3b",
    size: "A4",
    margins: { top: 50, left: 60, right: 50, bottom },
    bufferPages: true,
    lang: page.language,
    displayTitle: true,
    font: fontFile("regular"),
    info: { Title: page.title, Producer: "SlotBase with pdfkit", Creator: "SlotBase", CreationDate: at, ModDate: at },
  } as PDFKit.PDFDocumentOptions)
  const parts: Buffer[] = []
  const ended = new Promise<void>((resolve, reject) => {
    doc.on("data", (part: Buffer) => parts.push(part))
    doc.on("end", resolve)
    doc.on("error", reject)
  })
  doc.registerFont("regular", fontFile("regular"))
  doc.registerFont("bold", fontFile("bold"))
  const shown = shownIn(doc, page)
  drawHead(doc, shown)
  drawLines(doc, shown)
  drawSums(doc, shown)
  drawNotes(doc, shown)
  drawFooters(doc, shown)
  if (xml !== undefined) {
    doc.file(Buffer.from(xml.text), {
      name: xml.name,
      type: "text/xml",
      relationship: "Alternative",
      description: "Factur-X, EN 16931",
      creationDate: at,
      modifiedDate: at,
    } as never)
    ;(doc as unknown as { appendXML: (xml: string) => void }).appendXML(facturXMetadata(xml.name))
  }
  doc.end()
  await ended
  return { pdf: Buffer.concat(parts).toString("base64") }
}
