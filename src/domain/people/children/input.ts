/**
 * The input that adds a child: the id of a person with an account, or the fields of a new account. Parsed at the edge.
 */
import * as Schema from "effect/Schema"
import { childPermissions } from "#access/caller.ts"
import { Password } from "#access/passwords.ts"
import { clock } from "#base/clock.ts"
import { isLocalDate } from "#base/local-days.ts"
import { Email, Id, Name } from "#base/schema/request-fields.ts"
import { rule, saidRule } from "#base/schema/rule.ts"
import { lineUpTo } from "#base/schema/text-fields.ts"

const maxRelationshipLength = 60
/** Nobody alive was born before 1900. */
const birthDateExpected = "a day in the past, such as 2015-03-01"

const BirthDate = Schema.String.annotate({ description: "YYYY-MM-DD", format: "date" }).check(
  Schema.isPattern(/^(?:19|20|21)\d{2}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])$/u, {
    expected: birthDateExpected,
  }).abort(),
  rule(
    "a birth date is a day of the calendar and not in the future",
    (text: string) => isLocalDate(text) && text <= today(),
    birthDateExpected,
  ),
)

const ofNewAccount = ["firstName", "lastName", "birthDate", "email", "password", "registrationSource"] as const
type Given = { readonly childId?: string; readonly facilityId?: string } & {
  readonly [Name in (typeof ofNewAccount)[number]]?: string
}

const schemaOfKnown = { required: ["childId"], not: { anyOf: ofNewAccount.map((name) => ({ required: [name] })) } }
const schemaOfNew = {
  not: { required: ["childId"] },
  required: ["firstName", "lastName"],
  dependentRequired: { password: ["email"] },
}

export const ChildInput = Schema.Struct({
  childId: Schema.optionalKey(Id).annotateKey({
    description: "a person with an account; without it a new account is made",
  }),
  firstName: Schema.optionalKey(Name),
  lastName: Schema.optionalKey(Name),
  birthDate: Schema.optionalKey(BirthDate),
  email: Schema.optionalKey(Email).annotateKey({
    description: "without it the child is reached at its parent's address",
  }),
  password: Schema.optionalKey(Password).annotateKey({ description: "with an email: so that the child can sign in" }),
  facilityId: Schema.optionalKey(Id).annotateKey({
    description:
      "of a new account: the child becomes a player of this facility; staff with several facilities name theirs, in " +
      "which the link counts",
  }),
  registrationSource: Schema.optionalKey(Schema.Literals(["web", "mobile", "admin", "invitation"])),
  relationship: lineUpTo(maxRelationshipLength),
  isPrimary: Schema.optionalKey(Schema.Boolean).annotateKey({
    description: "whether it is the primary parent; a child has one. Left out: true when the child has none yet",
  }),
  permissions: Schema.optionalKey(
    Schema.Array(Schema.Literals(childPermissions)).check(
      Schema.isMaxLength(childPermissions.length),
      Schema.isUnique(),
    ),
  ).annotateKey({
    description: "what the parent may do for the child; left out: everything",
  }),
}).check(
  saidRule({ anyOf: [schemaOfKnown, schemaOfNew] }, (input: Given) =>
    input.childId === undefined ? faultsOfNew(input) : faultsOfKnown(input),
  ),
)
export type ChildInput = typeof ChildInput.Type

const faultsOfNew = (input: Given) => [
  ...(["firstName", "lastName"] as const).flatMap((name) =>
    input[name] === undefined
      ? [{ path: [name], issue: "Missing key: a new account needs it; or name a childId" }]
      : [],
  ),
  ...(input.password !== undefined && input.email === undefined
    ? [{ path: ["password"], issue: "needs an email to sign in with" }]
    : []),
]

const faultsOfKnown = (input: Given) =>
  ofNewAccount.flatMap((name) =>
    input[name] === undefined
      ? []
      : [{ path: [name], issue: "belongs to a new account, and childId names one that exists" }],
  )

const today = () => new Date(clock.now()).toISOString().slice(0, 10)
