/** The requests and answers of a person's phone number. */
import * as Schema from "effect/Schema"
import { lineUpTo } from "#base/schema/text-fields.ts"

const Country = Schema.String.annotate({
  description: "ISO 3166-1, such as DE; for a number without its country code",
  examples: ["DE"],
}).check(Schema.isPattern(/^[A-Z]{2}$/u, { expected: "an ISO 3166-1 code such as DE" }))

export const PhoneInput = Schema.Struct({
  number: lineUpTo(40).annotateKey({
    description: "a phone number as people write it, with its country code unless there is a country",
    examples: ["+49 151 12345678"],
  }),
  country: Schema.optionalKey(Country),
})

export const PhoneCode = Schema.Struct({
  code: Schema.String.annotate({ description: "the six digits of the text", examples: ["042917"] }).check(
    Schema.isPattern(/^[0-9]{6}$/u, { expected: "six digits" }),
  ),
})

export const PhoneAnswer = Schema.Struct({
  number: Schema.NullOr(Schema.String).annotateKey({ description: "E.164; texts go there. null: none is verified" }),
  verifiedAt: Schema.NullOr(Schema.String),
  wanted: Schema.NullOr(Schema.String).annotateKey({ description: "a number that waits for its code" }),
  codeExpiresAt: Schema.NullOr(Schema.String),
})
