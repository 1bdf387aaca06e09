/**
 * What every channel is: e-mail, SMS, push and in-app messages are sent through one interface. A channel sends one
 * message at a time and says how that ended. The actor send-messages decides which message goes when, how often it is
 * tried, and what its row says (actors/messages).
 */

export const channelNames = ["email", "sms", "push", "in_app"] as const
export type ChannelName = (typeof channelNames)[number]

export type MessagePriority = "critical" | "high" | "normal"

/** A message as it leaves. */
export interface Outgoing {
  /** A UUID, the same at each try: a Message-ID, or an idempotency key. */
  readonly id: string
  readonly facilityId: string
  readonly userId: string
  /**
   * email: an address. sms: E.164. push: a subscription's id, where the message is for that one alone. Empty: the
   * channel reaches the person by `userId`.
   */
  readonly to: { readonly name: string; readonly address: string }
  readonly title: string
  readonly body: string
  /** Null: the channel has none. */
  readonly html: string | null
  /** Of its event. */
  readonly type: string
  readonly priority: MessagePriority
  /** What the channel shows beside the words, such as where a tap leads. */
  readonly data: Readonly<Record<string, unknown>>
  /** A calendar invitation (RFC 5545) with METHOD:REQUEST or METHOD:CANCEL in it. Left out: none. */
  readonly ics?: string
  readonly links: {
    /** For one click (RFC 8058): a POST unsubscribes, a GET never does. Left out: nobody may unsubscribe from this. */
    readonly unsubscribeUrl?: string
  }
}

export interface Channel {
  readonly name: ChannelName
  /** Why nothing can be sent at all, or undefined. Such messages are skipped with this reason. */
  readonly unavailable: string | undefined
  /** Sends under way at once. So many may have an unknown outcome when their process is killed. */
  readonly sendsAtOnce: number
  /** Resolves when the service has taken the message. Throws `RecipientRefused` or `SendFailed`. */
  send(message: Outgoing, signal: AbortSignal): Promise<void>
  /** Waits for the sends under way, then closes what is open. */
  close(): Promise<void>
}

/** The recipient's address will never take a message; the error's message is the answer. */
export class RecipientRefused extends Error {
  readonly _tag = "RecipientRefused"
  constructor(
    message: string,
    /** The address takes nothing for good, also nothing else: it is marked, and staff see that. */
    readonly addressIsDead = false,
  ) {
    super(message)
  }
}

/** message: only this one. suspected: perhaps all, which another recipient must confirm. service: all messages. */
export type Concern = "message" | "suspected" | "service"

export interface HowItFailed {
  /** unknown: the message may have arrived. */
  readonly outcome: "not_sent" | "unknown"
  readonly concern?: Concern
  /** The service says that another try will not help. */
  readonly permanent?: boolean
  /** The service says when to try again. */
  readonly retryAfterMs?: number
}

/** The message was not sent, or the outcome is unknown: another try may help. */
export class SendFailed extends Error {
  readonly _tag = "SendFailed"
  readonly code = "send_failed"
  readonly outcome: "not_sent" | "unknown"
  readonly concern: Concern
  readonly permanent: boolean
  readonly retryAfterMs: number | undefined

  constructor(message: string, { outcome, concern = "message", permanent = false, retryAfterMs }: HowItFailed) {
    super(message)
    this.outcome = outcome
    this.concern = concern
    this.permanent = permanent
    this.retryAfterMs = retryAfterMs
  }
}

/** What a channel does before a message leaves. When it fails, nothing was sent. */
export async function beforeItLeaves<T>(work: () => T | Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (error instanceof RecipientRefused || error instanceof SendFailed) throw error
    throw new SendFailed(error instanceof Error ? error.message : String(error), { outcome: "not_sent" })
  }
}
