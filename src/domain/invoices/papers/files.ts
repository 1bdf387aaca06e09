/**
 * The files of papers: the XML, and a PDF for each language with the XML in it. A file is made from the paper's row
 * when somebody first asks for it, the PDF in a child process. It is kept, and is the same bytes from then on.
 * Writes: invoice_papers.
 */

import { join } from "node:path"
import * as Schema from "effect/Schema"
import { type BoundedTask, runBounded } from "#base/bounded/run-bounded.ts"
import type { Db } from "#base/database/db.ts"
import { RuleBroken } from "#base/errors.ts"
import type { Language } from "#base/languages.ts"
import { findPaper, type PaperRow } from "#domain/invoices/rows.ts"
import type { PdfInput } from "#domain/invoices/tasks/pdf-of-page.ts"
import { hasXml } from "./amounts.ts"
import { attachmentName, facturX } from "./factur-x.ts"
import { pageOfPaper } from "./page.ts"

export interface PaperFile {
  readonly content: Uint8Array<ArrayBuffer>
  readonly sha256: string
}

/** A paper of a thousand lines takes two seconds on a slow machine. */
const maxMs = 20_000

const pdfOfPage: BoundedTask<PdfInput, { readonly pdf: string }> = {
  module: join(import.meta.dir, "../tasks/pdf-of-page.ts"),
  timeMs: maxMs,
  decode: Schema.decodeUnknownSync(Schema.Struct({ pdf: Schema.String })),
}

/** Whether the paper has an XML: it is an invoice, in a currency that EN 16931 can write. */
export const isElectronic = ({ missing, currency }: Pick<PaperRow, "missing" | "currency">): boolean =>
  missing.length === 0 && hasXml(currency)

/** Throws RuleBroken `paper_has_no_xml`. */
export async function xmlFile(db: Db, paper: PaperRow): Promise<PaperFile> {
  if (!isElectronic(paper)) {
    const why =
      paper.missing.length > 0
        ? `it is a receipt; missing: ${paper.missing.join(", ")}`
        : `EN 16931 has two decimals at most, and ${paper.currency} has more`
    throw new RuleBroken("paper_has_no_xml", `The paper ${paper.number} has no XML: ${why}.`)
  }
  const kept = await keptFile(db, paper, "xml")
  return kept ?? keepFile(db, paper, "xml", Buffer.from(facturX(paper, await correctedBy(db, paper))))
}

/** @throws NotDone, TooMany */
export async function pdfFile(db: Db, paper: PaperRow, language: Language): Promise<PaperFile> {
  const form = `pdf-${language}` as const
  const kept = await keptFile(db, paper, form)
  if (kept) return kept
  const xml = isElectronic(paper) ? Buffer.from((await xmlFile(db, paper)).content).toString() : undefined
  const page = pageOfPaper(paper, await correctedBy(db, paper), language)
  const input = { page, ...(xml !== undefined && { xml: { name: attachmentName, text: xml } }) }
  const { pdf } = await runBounded(pdfOfPage, input, paper.facility_id)
  return keepFile(db, paper, form, Buffer.from(pdf, "base64"))
}

type Form = "xml" | `pdf-${Language}`

const correctedBy = async (db: Db, { facility_id, corrects_id }: PaperRow): Promise<PaperRow | undefined> =>
  corrects_id === null ? undefined : findPaper(db, facility_id, corrects_id)

async function keptFile(db: Db, { id, facility_id }: PaperRow, form: Form): Promise<PaperFile | undefined> {
  const [row] = await db<{ content: Buffer<ArrayBuffer>; sha256: string }[]>`
    select content, sha256 from slotbase.invoice_papers
    where invoice_id = ${id} and facility_id = ${facility_id} and form = ${form}`
  return row
}

/** Of two that make the file at once, the first one's bytes stay. */
async function keepFile(db: Db, paper: PaperRow, form: Form, content: Buffer): Promise<PaperFile> {
  await db`
    insert into slotbase.invoice_papers (invoice_id, facility_id, form, content)
    values (${paper.id}, ${paper.facility_id}, ${form}, ${content}) on conflict do nothing`
  const kept = await keptFile(db, paper, form)
  if (!kept) throw new Error("keepFile: the file is not there")
  return kept
}
