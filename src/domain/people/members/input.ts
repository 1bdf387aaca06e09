/** Requests about the members of a facility, and the limits of an import. */
import * as Schema from "effect/Schema"
import { roles } from "#access/caller.ts"
import { pageQuery } from "#base/schema/page.ts"
import { Email } from "#base/schema/request-fields.ts"
import { lineUpTo, opaqueText } from "#base/schema/text-fields.ts"

/** A club's year of new members. More lines are a second import. */
export const maxImportLines = 2_000
/** Some 60 characters a line. */
const maxCsvLength = 120_000
const maxDetailLength = 60

export const MemberQuery = Schema.Struct({
  ...pageQuery,
  q: Schema.optionalKey(lineUpTo(100)).annotateKey({
    description: "a part of the name or of the address, or the beginning of the member number or the phone",
  }),
  role: Schema.optionalKey(Schema.Literals(roles)),
  account: Schema.optionalKey(Schema.Literals(["own", "managed", "walk_in"])),
})

export const memberDetailFields = {
  memberNumber: Schema.NullOr(lineUpTo(maxDetailLength)).annotate({
    description: "the facility's own number of the member, used once; text, so a leading zero stays",
  }),
  phone: Schema.NullOr(lineUpTo(maxDetailLength)),
  postalCode: Schema.NullOr(lineUpTo(maxDetailLength)),
} as const

/** A field that is left out stays, and null clears it. */
export const MemberChange = Schema.Struct({
  memberNumber: Schema.optionalKey(memberDetailFields.memberNumber),
  phone: Schema.optionalKey(memberDetailFields.phone),
  postalCode: Schema.optionalKey(memberDetailFields.postalCode),
  email: Schema.optionalKey(Schema.NullOr(Email)).annotateKey({
    description: "of a guest: where mail goes; an invitation that went to the address before opens nothing any more",
  }),
  undeliverable: Schema.optionalKey(Schema.Null).annotateKey({
    description: "null: mail is sent again to an address at which it has bounced",
  }),
})

export const delimiters = [",", ";", "\t", "|"] as const
export type Delimiter = (typeof delimiters)[number]

export const ImportInput = Schema.Struct({
  // Not human text: a sign that no name may have is the fault of its line.
  csv: opaqueText(0, maxCsvLength, {
    description: `the text of the file in UTF-8: a line of column names, then at most ${maxImportLines} members`,
  }),
  delimiter: Schema.optionalKey(Schema.Literals(delimiters)).annotateKey({
    description: "what stands between the fields; left out, the one with which the column names are known",
  }),
  invite: Schema.optionalKey(Schema.Boolean).annotateKey({
    description: "whether new members with an address are invited to set a password; default false",
  }),
  dryRun: Schema.optionalKey(Schema.Boolean).annotateKey({
    description: "only the report: nothing is written; default false",
  }),
})
