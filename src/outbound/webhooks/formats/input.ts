/** The format in a webhook's configuration: its fields, their limits, and what fits together. Pure. */
import * as Schema from "effect/Schema"
import { type Fault, InvalidInput } from "#base/errors.ts"
import { atLeast, atMost, linesUpTo } from "#base/schema/text-fields.ts"
import { contentTypePattern } from "./content-type.ts"
import { type BodyFormat, type WebhookFormat, webhookFormats } from "./format.ts"
import { maxTemplateLength } from "./template-limits.ts"

const contentTypeLength = 140

export const formatFields = {
  format: Schema.optionalKey(Schema.Literals(webhookFormats)).annotateKey({
    description:
      "the form of the body: `slotbase` (the event; unless given), `cloudevents` (1.0, structured), " +
      "`cloudevents-binary` (1.0, attributes in headers), `zapier`, or `template`",
  }),
  template: Schema.optionalKey(linesUpTo(maxTemplateLength).check(atLeast(1))).annotateKey({
    description: "Liquid, of the format `template`: the event's fields, and `facility` with `id`, `name`, `timezone`",
  }),
  contentType: Schema.optionalKey(
    Schema.String.check(
      atMost(contentTypeLength),
      Schema.isPattern(contentTypePattern, {
        expected: "a media type of application or text in lower case, with no parameter but charset=utf-8",
      }),
    ),
  ).annotateKey({ description: "of what the template makes; `application/json` unless given" }),
}

export interface FormatInput {
  readonly format?: WebhookFormat
  readonly template?: string
  readonly contentType?: string
}

/**
 * The format after a change of what was there. Another format drops the template and its content type.
 * @throws InvalidInput when the fields do not fit together
 */
export function formatOf(given: FormatInput, old?: BodyFormat): BodyFormat {
  const format = given.format ?? old?.format ?? "slotbase"
  if (format !== "template") {
    const foreign = (["template", "contentType"] as const).filter((name) => given[name] !== undefined)
    const faults = foreign.map((name): Fault => ({ path: `body.${name}`, message: `Not used by the format ${format}` }))
    if (faults.length > 0) throw new InvalidInput(faults)
    return { format, template: null, content_type: null }
  }
  const template = given.template ?? old?.template ?? null
  if (template === null) throw new InvalidInput([{ path: "body.template", message: "Needed by the format template" }])
  return { format, template, content_type: given.contentType ?? old?.content_type ?? null }
}

export const shownFormat = ({ format, template, content_type }: BodyFormat) => ({
  format,
  ...(template !== null && { template }),
  ...(content_type !== null && { contentType: content_type }),
})
