/**
 * Which messages a person may switch off, and what is on without a choice. Account and security messages always come:
 * whoever has a session must not be able to hide from the owner that the password was changed.
 */
import type { ChannelName } from "#outbound/messages/channels/channel.ts"
import { NOTIFICATION_CONFIGS, notifiedEvents } from "#outbound/messages/configs.ts"

/** Whether the messages of a type always come. */
export const isRequired = (type: string): boolean =>
  NOTIFICATION_CONFIGS[type]?.priority === "critical" || type.startsWith("user.")

/** The types that a person may decide about, in the order of the catalogue. */
export const switchableTypes: readonly string[] = notifiedEvents.filter((type) => !isRequired(type))

const atWork = new Set<string>(["facility_admins", "platform_admins", "coach", "link", "previous_address", "phone"])

/** The types of which somebody hears who plays, pays, or is a parent; of the others only people at work hear. */
export const typesOfPlayers: readonly string[] = switchableTypes.filter((type) =>
  NOTIFICATION_CONFIGS[type]?.recipients.some((recipient) => !atWork.has(recipient.type)),
)

/** A text message costs money and attention: it is sent only to those who chose it. */
export const isOnWithoutChoice = (channel: ChannelName): boolean => channel !== "sms"
