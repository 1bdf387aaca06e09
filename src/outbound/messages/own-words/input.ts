/** The requests and answers of a facility's own words. */
import * as Schema from "effect/Schema"
import { InvalidInput } from "#base/errors.ts"
import { LanguageField } from "#base/languages.ts"
import { Id } from "#base/schema/request-fields.ts"
import { atMost, lineUpTo, oneLinePattern } from "#base/schema/text-fields.ts"
import { wordFields } from "#outbound/messages/templates/template.ts"
import { maxWordsLength, type OwnWords } from "./limits.ts"

const Words = lineUpTo(maxWordsLength)
const wordsInput = {
  subject: Schema.optionalKey(Words).annotateKey({ description: "of the mail; of a push message its title" }),
  short: Schema.optionalKey(Words).annotateKey({
    description: "one or two sentences, for push, text messages and the browser",
  }),
  heading: Schema.optionalKey(Words),
  lead: Schema.optionalKey(Words).annotateKey({ description: "the sentences under the greeting" }),
  note: Schema.optionalKey(
    Schema.String.check(
      atMost(maxWordsLength),
      Schema.isPattern(oneLinePattern, { expected: "one line of text without control or invisible characters" }),
    ),
  ).annotateKey({ description: "under the link; empty: the mail has none" }),
}
const Language = LanguageField.annotate({ description: "of these words" })

export const OwnWordsInput = Schema.Struct({ language: Language, ...wordsInput })
export type OwnWordsInput = typeof OwnWordsInput.Type

export const WordsPreviewInput = Schema.Struct({
  language: Language,
  ...wordsInput,
  sample: Schema.optionalKey(lineUpTo(80)).annotateKey({
    description: "one of the message's `samples`: another reader, or another form of its event; the first unless given",
  }),
})

export const WordsQuery = Schema.Struct({
  language: Schema.optionalKey(LanguageField).annotateKey({ description: "whose words go; all unless given" }),
})

export const WordsPreview = Schema.Struct({
  sample: Schema.String,
  subject: Schema.String,
  short: Schema.String,
  text: Schema.String,
  html: Schema.String,
}).annotate({ identifier: "MessagePreview" })

const Text = Schema.String
const Shown = {
  subject: Text,
  short: Text,
  heading: Text,
  lead: Text,
  note: Text,
}
const OwnShown = Schema.Struct({
  subject: Schema.optionalKey(Text),
  short: Schema.optionalKey(Text),
  heading: Schema.optionalKey(Text),
  lead: Schema.optionalKey(Text),
  note: Schema.optionalKey(Text),
  version: Schema.Int.annotate({ description: "how often they were saved with a difference" }),
  updatedAt: Schema.String,
  updatedBy: Id,
})

export const MessageTemplate = Schema.Struct({
  templateId: Schema.String,
  title: Schema.String,
  events: Schema.Array(Schema.String).annotate({ description: "the types of event that are told by it" }),
  languages: Schema.Array(
    Schema.Struct({
      language: LanguageField,
      builtIn: Schema.Struct(Shown).annotate({ description: "Liquid, as all words" }),
      own: Schema.NullOr(OwnShown).annotate({ description: "the fields that the facility has changed" }),
      lastFailure: Schema.NullOr(Schema.Struct({ at: Schema.String, messageId: Id, message: Schema.String })).annotate({
        description: "the last message that got the built-in words, because these words failed at it",
      }),
    }),
  ),
  variables: Schema.Array(
    Schema.Struct({
      name: Schema.String,
      example: Schema.NullOr(Schema.String).annotate({ description: "as JSON; null: it is seldom there" }),
    }),
  ),
  filters: Schema.Array(Schema.String),
  samples: Schema.Array(Schema.String).annotate({ description: "the names of samples for a preview" }),
}).annotate({ identifier: "MessageTemplate" })
export type MessageTemplate = typeof MessageTemplate.Type

export const MessageTemplates = Schema.Struct({ data: Schema.Array(MessageTemplate) })

/** The fields that were given. @throws InvalidInput when there are none, unless there may be none */
export function givenWords(input: OwnWordsInput, none?: "may be none"): OwnWords {
  const given = Object.fromEntries(
    wordFields.flatMap((field) => (input[field] === undefined ? [] : [[field, input[field]]])),
  ) as OwnWords
  if (none === undefined && Object.keys(given).length === 0)
    throw new InvalidInput([{ path: "body", message: `Expected at least one of ${wordFields.join(", ")}` }])
  return given
}
