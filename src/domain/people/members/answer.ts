/** Members as staff see them, and the report of an import. */
import * as Schema from "effect/Schema"
import { Count, Id, Instant } from "#base/schema/fact-fields.ts"

export const FacilityMember = Schema.Struct({
  userId: Id,
  facilityId: Id,
  firstName: Schema.String,
  lastName: Schema.String,
  email: Schema.NullOr(Schema.String),
  memberNumber: Schema.NullOr(Schema.String),
  phone: Schema.NullOr(Schema.String),
  postalCode: Schema.NullOr(Schema.String),
  roles: Schema.Array(Schema.String).annotate({ description: "in the facility or in its organization" }),
  account: Schema.Literals(["own", "managed", "walk_in"]).annotate({
    description: "own: signs in; managed: a child of a parent; walk_in: kept by the facility, cannot sign in",
  }),
  since: Instant,
  undeliverable: Schema.NullOr(
    Schema.Struct({
      since: Instant,
      status: Schema.String.annotate({ description: "the enhanced status code (RFC 3463), such as 5.1.1" }),
      answer: Schema.String.annotate({ description: "what the mail server said" }),
    }),
  ).annotate({ description: "the address takes no mail, so none is sent there; null: nothing is known against it" }),
}).annotate({ identifier: "FacilityMember" })
export type FacilityMember = typeof FacilityMember.Type

export const ImportedLine = Schema.Struct({
  line: Count.annotate({ description: "the line of the file, from 1; the column names are line 1" }),
  status: Schema.Literals(["created", "exists", "refused"]),
  userId: Schema.NullOr(Id).annotate({ description: "null: refused, or a dry run would create the member" }),
  invited: Schema.Boolean,
  faults: Schema.Array(Schema.Struct({ column: Schema.String, message: Schema.String })),
})
export type ImportedLine = typeof ImportedLine.Type

export const ImportReport = Schema.Struct({
  dryRun: Schema.Boolean,
  delimiter: Schema.String,
  columns: Schema.Array(Schema.String).annotate({ description: "the columns that were read, in the file's order" }),
  created: Count,
  existing: Count,
  refused: Count,
  invited: Count,
  lines: Schema.Array(ImportedLine),
}).annotate({ identifier: "ImportReport" })
export type ImportReport = typeof ImportReport.Type
