/** Draws a page on A4: the address, the lines with their heads on each page, the sums, the notes and the footers. */
import type { PaperPage } from "#domain/invoices/papers/page.ts"

type Doc = PDFKit.PDFDocument

/** The margin below, where the footer stands, points. */
export const bottom = 110
const [left, right] = [60, 545]
const width = right - left
/** Of the number and the pages in the footer. */
const numbersWidth = 125
const grey = "#555555"
const small = 8
const usual = 9.5

const columns = { description: { x: left, width: 330 }, rate: { x: 395, width: 50 }, amount: { x: 445, width: 100 } }
const taxColumns = [left, 150, 240, 330].map((x) => ({ x, width: 85 }))

export function drawHead(doc: Doc, page: PaperPage): void {
  doc.font("regular").fontSize(7).fillColor(grey).text(page.sender, left, 60, { width: 265 })
  doc.fillColor("black").fontSize(10.5)
  const addressY = Math.max(doc.y + 8, 84)
  page.recipient.forEach((line, nth) => {
    doc.font(nth === 0 ? "bold" : "regular").text(line, left, nth === 0 ? addressY : doc.y, { width: 250 })
  })
  const afterAddress = doc.y
  let y = 60
  for (const [name, value] of page.facts) {
    doc.font("regular").fontSize(small).fillColor(grey).text(name, 345, y, { width: 70 })
    const afterName = doc.y
    doc
      .fontSize(usual)
      .fillColor("black")
      .text(value, 420, y - 1.5, { width: 125 })
    y = Math.max(afterName, doc.y) + 4
  }
  doc
    .font("bold")
    .fontSize(16)
    .text(page.heading, left, Math.max(afterAddress, y, 170) + 20, { width })
  doc.moveDown(0.6)
}

export function drawLines(doc: Doc, page: PaperPage): void {
  columnHeads(doc, page)
  for (const [nth, { name, about, rate, amount }] of page.lines.entries()) {
    doc.font("regular").fontSize(usual)
    const nameHeight = doc.heightOfString(name, { width: columns.description.width })
    doc.fontSize(small)
    const aboutHeight = about === "" ? 0 : doc.heightOfString(about, { width: columns.description.width })
    // The sums never stand on a page alone: the last line goes with them.
    const after = nth === page.lines.length - 1 ? sumsHeight(page) + 10 : 0
    if (doc.y + nameHeight + aboutHeight + after > floorOf(doc)) {
      doc.addPage()
      columnHeads(doc, page)
    }
    const y = doc.y
    doc.fontSize(usual).text(name, columns.description.x, y, { width: columns.description.width })
    if (about !== "") {
      doc
        .fontSize(small)
        .fillColor(grey)
        .text(about, columns.description.x, y + nameHeight, { width: columns.description.width })
      doc.fillColor("black")
    }
    doc.fontSize(usual).text(rate, columns.rate.x, y, { width: columns.rate.width, align: "right" })
    doc.text(amount, columns.amount.x, y, { width: columns.amount.width, align: "right" })
    doc.y = y + nameHeight + aboutHeight + 5
  }
  rule(doc)
}

const sumsHeight = ({ sums, taxes }: PaperPage) => 18 * sums.length + 14 * (taxes.length + 1) + 30

export function drawSums(doc: Doc, page: PaperPage): void {
  need(doc, sumsHeight(page))
  page.sums.forEach(([name, value], nth) => {
    const isTotal = nth === page.sums.length - 1
    const y = doc.y
    doc.font(isTotal ? "bold" : "regular").fontSize(isTotal ? 11 : usual)
    doc.text(name, 330, y, { width: 100, align: "right" })
    doc.text(value, columns.amount.x - 15, y, { width: columns.amount.width + 15, align: "right" })
    doc.y = y + (isTotal ? 20 : 15)
  })
  doc.moveDown(0.4)
  row(doc, page.taxHead, "bold")
  for (const tax of page.taxes) row(doc, tax, "regular")
  doc.moveDown(1)
}

export function drawNotes(doc: Doc, page: PaperPage): void {
  doc.font("regular").fontSize(usual).fillColor("black")
  for (const note of page.notes) {
    need(doc, Math.min(doc.heightOfString(note, { width }), 200))
    doc.text(note, left, doc.y, { width })
    doc.moveDown(0.3)
  }
}

export function drawFooters(doc: Doc, page: PaperPage): void {
  const { start, count } = doc.bufferedPageRange()
  for (let nth = start; nth < start + count; nth++) {
    doc.switchToPage(nth)
    // Below the margin pdfkit would begin a new page.
    doc.page.margins.bottom = 0
    const top = doc.page.height - bottom + 25
    doc
      .moveTo(left, top - 6)
      .lineTo(right, top - 6)
      .lineWidth(0.5)
      .strokeColor(grey)
      .stroke()
    doc.font("regular").fontSize(7.5).fillColor(grey)
    let y = top
    for (const line of page.footer) {
      doc.text(line, left, y, { width: width - numbersWidth })
      y = doc.y + 1
    }
    const numbers = page.pageOf.replace("{page}", String(nth - start + 1)).replace("{pages}", String(count))
    doc.text(numbers, right - numbersWidth, top, { width: numbersWidth, align: "right" })
  }
}

function columnHeads(doc: Doc, { columns: [description, rate, amount] }: PaperPage): void {
  const y = doc.y
  doc.font("bold").fontSize(small).fillColor("black")
  doc.text(description, columns.description.x, y, { width: columns.description.width })
  doc.text(rate, columns.rate.x, y, { width: columns.rate.width, align: "right" })
  doc.text(amount, columns.amount.x, y, { width: columns.amount.width, align: "right" })
  doc.y = y + 13
  rule(doc)
  doc.font("regular")
}

function row(doc: Doc, texts: readonly string[], font: "bold" | "regular"): void {
  const y = doc.y
  doc.font(font).fontSize(small)
  texts.forEach((text, nth) => {
    const column = taxColumns[nth] ?? { x: left, width: 85 }
    doc.text(text, column.x, y, { width: column.width, align: nth === 0 ? "left" : "right" })
  })
  doc.y = y + 12
}

function rule(doc: Doc): void {
  doc.moveTo(left, doc.y).lineTo(right, doc.y).lineWidth(0.5).strokeColor("black").stroke()
  doc.y += 5
}

const floorOf = (doc: Doc) => doc.page.height - bottom

function need(doc: Doc, height: number): void {
  if (doc.y + height > floorOf(doc)) doc.addPage()
}
