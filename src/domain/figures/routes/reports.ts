/** The reports of a facility's days, for its staff. The job daily-reports makes them. */
import { Elysia } from "elysia"
import { requireStaff } from "#access/caller.ts"
import { DailyReport, DailyReportLine } from "#domain/figures/reports/answer.ts"
import { listReports, ReportsQuery, readDailyReport } from "#domain/figures/reports/read.ts"
import type { App } from "#http/app.ts"
import { described, listOf } from "#http/describe.ts"
import { facilityIdOf } from "#http/path.ts"
import { api } from "#http/route.ts"

const tag = "Figures"

export const reportRoutes = (app: App) =>
  new Elysia({ name: "reports" })
    .use(api(app))
    .get(
      "/v1/facilities/:facilityId/reports",
      async ({ caller, input, query, params }) => {
        const staff = requireStaff(await caller(), facilityIdOf(params.facilityId))
        return listReports(app.db, staff, input(ReportsQuery, query))
      },
      described({
        tag,
        summary: "List the reports of the days, the newest first",
        description: "For staff. Each day has one report, made at six on the next morning of the facility.",
        query: ReportsQuery,
        answer: listOf(DailyReportLine),
      }),
    )
    .get(
      "/v1/facilities/:facilityId/reports/:day",
      async ({ caller, params }) => {
        const staff = requireStaff(await caller(), facilityIdOf(params.facilityId))
        return readDailyReport(app.db, staff, params.day)
      },
      described({
        tag,
        summary: "Read the report of a day",
        description:
          "For staff. It has the bookings, attendance, money and utilisation of a local day, and the same weekday of the four weeks before. It says what the next day brings, and what waits for a person. It stays as it was made.",
        answer: DailyReport,
      }),
    )
