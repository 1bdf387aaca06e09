// People are told of events as in the program: NotificationHandler records the messages in one transaction, and the
// actor send-messages sends them. A post office is a process of its own, which a test may end.

import type { HandledEvent, Outcome } from "#actors/handlers/handler.ts"
import { notificationHandler } from "#actors/handlers/notification.ts"
import { type MessageActor, type MessageTools, sendMessages } from "#actors/messages/send-messages.ts"
import { writeMessages } from "#actors/messages/write-messages.ts"
import type { Quarantine } from "#actors/runtime/quarantine.ts"
import type { Db } from "#base/database/db.ts"
import { actorProcess, endProcess, processRow } from "#test/harness/pipeline/pipeline.ts"

export interface PostOffice {
  readonly actor: MessageActor
  readonly quarantine: Quarantine
  /** Records the messages of these events. Throws as the handler does. */
  readonly record: (...events: HandledEvent[]) => Promise<readonly Outcome[]>
  /** Sends what is ready or due, and waits for the ends. */
  readonly send: () => Promise<void>
  /** Both; answers the outcome of the event's run. */
  readonly tell: (event: HandledEvent) => Promise<Outcome>
  /** The process is gone, and what it had claimed is free for another one. */
  readonly die: () => Promise<void>
}

/** @param given jitter from 0 to 1, by default none (0.5), and how long a stop waits for sends */
export async function postOffice(
  tools: MessageTools & { readonly db: Db },
  { random = 0.5, graceMs = 5_000 }: { readonly random?: number; readonly graceMs?: number } = {},
): Promise<PostOffice> {
  const { db } = tools
  const owner = await processRow(db, true)
  const process = actorProcess(owner)
  const actor = sendMessages(tools, process, { random: () => random, graceMs })
  const record = async (...events: HandledEvent[]) =>
    (await db.begin((tx) => notificationHandler(tools).handleAll(tx, events))) ?? []
  const writer = writeMessages(tools, process)
  const send = async () => {
    while ((await writer.pass(new AbortController().signal)).more);
    await actor.pass(new AbortController().signal)
    await actor.idle()
  }
  return {
    actor,
    quarantine: process.quarantine,
    record,
    send,
    tell: async (event) => {
      const [outcome] = await record(event)
      await send()
      return outcome
    },
    die: () => endProcess(db, owner),
  }
}
