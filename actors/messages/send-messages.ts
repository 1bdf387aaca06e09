/**
 * Sends the messages that are recorded: at least once, under an id that stays the same. Each send is committed as begun
 * before it leaves, so a possible repeat is visible. Each channel goes its own way (channel-sender.ts): one that hangs,
 * is limited or is held delays no other. It also frees what expired processes had claimed.
 */
import type { Actor, Pass } from "#actors/runtime/actor.ts"
import type { ActorProcess } from "#actors/runtime/life-sign.ts"
import type { Config } from "#base/config.ts"
import { reached } from "#base/crash-points.ts"
import type { Db } from "#base/database/db.ts"
import type { SecretBox } from "#base/secrets.ts"
import { markUndeliverable } from "#domain/people/undeliverable.ts"
import type { Channel } from "#outbound/messages/channels/channel.ts"
import { ChannelSender } from "./channel-sender.ts"
import { outgoingOf, type UnsubscribeUrl } from "./outgoing.ts"
import { freeAbandoned } from "./settle.ts"

export interface MessageTools {
  readonly db: Db
  readonly config: Pick<Config, "environment" | "publicUrl" | "mailFrom">
  readonly secrets: SecretBox
  readonly channels: readonly Channel[]
  /** Left out: no message can be unsubscribed from. */
  readonly unsubscribeUrl?: UnsubscribeUrl
}

/** How often it looks for expired processes, milliseconds. */
const freeEveryMs = 1_000
/** How long sends may go on when the process stops, milliseconds. */
const defaultGraceMs = 5_000

export interface MessageActor extends Actor {
  /** Resolves when nothing is under way in this process. */
  readonly idle: () => Promise<void>
}

/** @param given what a test has otherwise. */
export function sendMessages(
  tools: MessageTools,
  process: ActorProcess,
  given: { readonly random?: () => number; readonly graceMs?: number } = {},
): MessageActor {
  const { db, config, channels } = tools
  let failure: { readonly error: unknown } | undefined
  let freedAt = Number.NEGATIVE_INFINITY
  const senders = channels.map(
    (channel) =>
      new ChannelSender(channel, {
        db,
        process,
        environment: config.environment,
        outgoingOf: outgoingOf(tools),
        markDead: (message, answer) => markUndeliverable(db, { ...message, address: message.reach ?? "", answer }),
        onFailed: (error) => {
          failure = { error }
        },
        ...(given.random && { random: given.random }),
      }),
  )

  async function pass(): Promise<Pass> {
    if (failure !== undefined) {
      const { error } = failure
      failure = undefined
      throw error
    }
    if (performance.now() - freedAt >= freeEveryMs) {
      freedAt = performance.now()
      if ((await freeAbandoned(db, process.owner())) > 0) reached("abandoned-messages-freed")
    }
    const due = (await Promise.all(senders.map((sender) => sender.pass()))).filter((at) => at !== undefined)
    const dueAt = due.sort((a, b) => a.getTime() - b.getTime())[0]
    return { more: false, ...(dueAt !== undefined && { dueAt }) }
  }

  return {
    name: "send-messages",
    description: "Sends the messages to people that are recorded",
    wokenBy: ["messages"],
    pollEveryMs: 1_000,
    cron: "* * * * *",
    deadlineMs: 30_000,
    pass,
    idle: async () => {
      for (const sender of senders) await sender.idle()
    },
    drain: async () => {
      await Promise.all(senders.map((sender) => sender.drain(given.graceMs ?? defaultGraceMs)))
    },
  }
}
