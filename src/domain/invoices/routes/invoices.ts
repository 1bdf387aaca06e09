/** Papers: invoices and credit notes, as data, as PDF and as XML, and the export of a month. */
import { Elysia } from "elysia"
import { requireMember, requireStaff } from "#access/caller.ts"
import { PageQuery } from "#base/schema/page.ts"
import { IssuedInvoice, IssuedInvoiceQuery, PaperLanguageQuery, toIssuedInvoice } from "#domain/invoices/answer.ts"
import { csvOfMonth, InvoiceExportQuery } from "#domain/invoices/export.ts"
import { getMyPaper, getPaper, listMyPapers, listPapers } from "#domain/invoices/list.ts"
import { type PaperFile, pdfFile, xmlFile } from "#domain/invoices/papers/files.ts"
import type { App } from "#http/app.ts"
import { described, listOf } from "#http/describe.ts"
import { facilityIdOf, idOf } from "#http/path.ts"
import { api } from "#http/route.ts"

const tag = "Invoices"

export const invoiceRoutes = (app: App) =>
  new Elysia({ name: "invoices" })
    .use(api(app))
    .get(
      "/v1/facilities/:facilityId/invoices",
      async ({ caller, input, query, params }) => {
        const member = requireMember(await caller(), facilityIdOf(params.facilityId))
        return listPapers(app.db, member, input(IssuedInvoiceQuery, query))
      },
      described({
        tag,
        summary: "List invoices and credit notes, the newest first",
        description: "Members see those that they or their children pay or owe, and those of their billing accounts.",
        query: IssuedInvoiceQuery,
        answer: listOf(IssuedInvoice),
      }),
    )
    .get(
      "/v1/facilities/:facilityId/invoices/:invoiceId",
      async ({ caller, params }) => {
        const member = requireMember(await caller(), facilityIdOf(params.facilityId))
        return toIssuedInvoice(await getPaper(app.db, member, idOf(params.invoiceId, "invoice")))
      },
      described({ tag, summary: "Read an invoice or credit note", answer: IssuedInvoice }),
    )
    .get(
      "/v1/facilities/:facilityId/invoices/:invoiceId/pdf",
      async ({ caller, input, query, params }) => {
        const member = requireMember(await caller(), facilityIdOf(params.facilityId))
        const { language } = input(PaperLanguageQuery, query)
        const paper = await getPaper(app.db, member, idOf(params.invoiceId, "invoice"))
        const file = await pdfFile(app.db, paper, language ?? paper.language)
        return answered(file, "application/pdf", `${paper.number}.pdf`)
      },
      described({
        tag,
        summary: "Read an invoice as a PDF",
        description:
          "PDF/A-3 with the Factur-X file in it, where `hasXml` is true. It is made when it is first asked for, and is the same bytes from then on.",
        query: PaperLanguageQuery,
        mediaType: "application/pdf",
      }),
    )
    .get(
      "/v1/facilities/:facilityId/invoices/:invoiceId/xml",
      async ({ caller, params }) => {
        const member = requireMember(await caller(), facilityIdOf(params.facilityId))
        const paper = await getPaper(app.db, member, idOf(params.invoiceId, "invoice"))
        return answered(await xmlFile(app.db, paper), "application/xml", `${paper.number}.xml`)
      },
      described({
        tag,
        summary: "Read an invoice as XML",
        description: "Factur-X 1.07, profile EN 16931. A receipt has none.",
        mediaType: "application/xml",
        problems: [422],
      }),
    )
    .get(
      "/v1/facilities/:facilityId/invoice-export",
      async ({ caller, input, query, params }) => {
        const staff = requireStaff(await caller(), facilityIdOf(params.facilityId))
        const { month, separator } = input(InvoiceExportQuery, query)
        return new Response(streamOf(csvOfMonth(app.db, staff, month, separator)), {
          headers: headersOf("text/csv; charset=utf-8", `invoices-${month}.csv`),
        })
      },
      described({
        tag,
        summary: "Export the papers of a month as CSV",
        description: "For staff: a row for each paper and tax rate, and the totals at the end.",
        query: InvoiceExportQuery,
        mediaType: "text/csv",
      }),
    )
    .get(
      "/v1/me/invoices",
      async ({ caller, input, query }) => listMyPapers(app.db, await caller(), input(PageQuery, query)),
      described({
        tag,
        summary: "List one's own invoices in all facilities, the newest first",
        query: PageQuery,
        answer: listOf(IssuedInvoice),
      }),
    )
    .get(
      "/v1/me/invoices/:invoiceId/pdf",
      async ({ caller, input, query, params }) => {
        const { language } = input(PaperLanguageQuery, query)
        const paper = await getMyPaper(app.db, await caller(), idOf(params.invoiceId, "invoice"))
        const file = await pdfFile(app.db, paper, language ?? paper.language)
        return answered(file, "application/pdf", `${paper.number}.pdf`)
      },
      described({
        tag,
        summary: "Read one's own invoice as a PDF",
        description: "Also of a facility that one has left.",
        query: PaperLanguageQuery,
        mediaType: "application/pdf",
      }),
    )
    .get(
      "/v1/me/invoices/:invoiceId/xml",
      async ({ caller, params }) => {
        const paper = await getMyPaper(app.db, await caller(), idOf(params.invoiceId, "invoice"))
        return answered(await xmlFile(app.db, paper), "application/xml", `${paper.number}.xml`)
      },
      described({
        tag,
        summary: "Read one's own invoice as XML",
        description: "Also of a facility that one has left. A receipt has none.",
        mediaType: "application/xml",
        problems: [422],
      }),
    )

/** The next part is made when the client has taken the one before. */
const streamOf = (parts: AsyncGenerator<string>) =>
  new ReadableStream<Uint8Array>({
    pull: async (controller) => {
      const { done, value } = await parts.next()
      if (done) controller.close()
      else controller.enqueue(new TextEncoder().encode(value))
    },
    cancel: async () => {
      await parts.return(undefined)
    },
  })

const answered = ({ content, sha256 }: PaperFile, type: string, name: string) =>
  new Response(content, { headers: { ...headersOf(type, name), etag: `"${sha256}"` } })

const headersOf = (type: string, name: string) => ({
  "content-type": type,
  "content-disposition": `attachment; filename="${name}"`,
  "cache-control": "private, no-cache",
  "x-content-type-options": "nosniff",
})
