/** What an entry of the list of notifications says (configs.ts). */
import type { Queryable } from "#base/database/db.ts"
import type { Tx } from "#base/database/transaction.ts"
import type { ChannelName, MessagePriority } from "./channels/channel.ts"
import type { TemplateId } from "./templates/catalogue.ts"
import type { RecordedEventFacts } from "./together/told.ts"

export type RecipientType =
  | "booker"
  | "participants"
  | "parents"
  | "facility_admins"
  | "platform_admins"
  | "payer"
  | "coach"
  // Of an account: at its present address, at that of a link, and at the address that it had before.
  | "account"
  | "link"
  | "previous_address"
  // The number of the event itself.
  | "phone"
export type MessageChannel = ChannelName

export interface NotificationConfig {
  readonly templateId: TemplateId
  /** The template by the event's data. Left out: always the same. */
  readonly templateFor?: (data: never) => TemplateId
  /** critical: neither switched off nor held in quiet hours. */
  readonly priority: MessagePriority
  readonly recipients: readonly {
    readonly type: RecipientType
    readonly channel: MessageChannel
    /** Left out: the template of the event. */
    readonly templateId?: TemplateId
  }[]
  /**
   * The reason to send no message, or undefined. Asked when messages are recorded, and again before they leave.
   * Left out: messages are always sent.
   */
  readonly whyNot?: (db: Queryable, data: never, facilityId: string) => Promise<string | undefined>
  /**
   * Which other message tells the same, or undefined, for each of some events of the type. Asked once, when messages
   * are recorded.
   * `later`: it is not decided yet, and asked again soon.
   */
  readonly toldElsewhere?: (db: Queryable, events: readonly RecordedEventFacts[]) => Promise<readonly ToldElsewhere[]>
  /** Runs in the transaction that marks a message as sent. */
  readonly whenSent?: (tx: Tx, data: never, message: SentMessage) => Promise<void>
}

export type ToldElsewhere = string | { readonly later: string } | undefined

export interface SentMessage {
  readonly userId: string
  readonly channel: MessageChannel
  readonly sentAt: Date
}
