/** The requests and answers of what a person wants to be told. */
import * as Schema from "effect/Schema"
import { InvalidInput } from "#base/errors.ts"
import { rule } from "#base/schema/rule.ts"
import { atMost } from "#base/schema/text-fields.ts"
import { channelNames } from "#outbound/messages/channels/channel.ts"
import { allTypes } from "./rows.ts"
import { isRequired, switchableTypes } from "./switchable.ts"

const LocalTime = Schema.String.annotate({ description: "a local time such as 22:00", examples: ["22:00"] }).check(
  Schema.isPattern(/^(?:[01][0-9]|2[0-3]):[0-5][0-9]$/u, { expected: "a time from 00:00 to 23:59" }),
)
const MessageChannelName = Schema.Literals(channelNames)
const quietChannels = ["email", "sms", "push"] as const

const QuietHoursField = Schema.Struct({
  start: LocalTime,
  end: LocalTime.annotateKey({ description: "excluded; before the start: on the next day" }),
  channels: Schema.optionalKey(
    Schema.Array(Schema.Literals(quietChannels)).check(Schema.isMinLength(1), Schema.isMaxLength(quietChannels.length)),
  ).annotateKey({ description: "the channels that wait; default: sms and push" }),
}).check(
  rule("quiet hours do not last the whole day: their end differs from their start", ({ start, end }) =>
    start === end ? { path: ["end"], issue: "Expected another time than the start" } : undefined,
  ),
)

/** More switches than there are types and channels are a mistake. */
const maxSwitches = 200

const SwitchInput = Schema.Struct({
  type: Schema.String.annotate({
    description: "a type of event, or * for all types without a switch of their own",
  }).check(atMost(60), Schema.isPattern(/^(?:[*]|[a-z_.]+)$/u, { expected: "a type of event, or *" })),
  channel: MessageChannelName,
  enabled: Schema.Boolean,
})

export const PreferencesInput = Schema.Struct({
  switches: Schema.Array(SwitchInput).check(Schema.isMaxLength(maxSwitches)),
  quietHours: Schema.NullOr(QuietHoursField),
})

export const PreferencesAnswer = Schema.Struct({
  switches: Schema.Array(SwitchInput),
  quietHours: Schema.NullOr(
    Schema.Struct({ start: Schema.String, end: Schema.String, channels: Schema.Array(MessageChannelName) }),
  ),
  timezone: Schema.NullOr(Schema.String).annotateKey({
    description: "whose local times the quiet hours are; null: that of the facility. PATCH /v1/me changes it",
  }),
  types: Schema.Array(
    Schema.Struct({
      type: Schema.String,
      required: Schema.Boolean.annotateKey({ description: "always sent: nobody can switch it off" }),
      channels: Schema.Record(Schema.String, Schema.Boolean).annotateKey({
        description: "what is sent now, by channel",
      }),
    }),
  ),
})

/** Refuses switches of types that are none, that always come, or that stand there twice. Throws InvalidInput. */
export function checkSwitches({ switches }: typeof PreferencesInput.Type): void {
  const seen = new Set<string>()
  const faults = switches.flatMap(({ type, channel }, nth) => {
    const at = (field: string, message: string) => [{ path: `body.switches.${nth}.${field}`, message }]
    const key = `${type} ${channel}`
    if (seen.has(key)) return at("type", `Expected one switch for ${type} and ${channel}`)
    seen.add(key)
    if (type === allTypes || known.has(type)) return []
    if (isRequired(type)) return at("type", `Messages of ${type} always come: they protect the account`)
    return at("type", "Expected a type of GET /v1/me/message-preferences, or *")
  })
  if (faults.length > 0) throw new InvalidInput(faults)
}

const known: ReadonlySet<string> = new Set(switchableTypes)
