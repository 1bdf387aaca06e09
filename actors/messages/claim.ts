/**
 * Claiming messages: through slotbase.claim_messages() and slotbase.claim_suspect() (sql/0050-messages.sql), in a
 * statement of its own that also marks each message as being sent. With it come the name and the address that the
 * recipient has now: they may have changed since the message was recorded. These functions write message_queue and
 * notifications.
 */
import type { Db } from "#base/database/db.ts"
import { addressIn } from "#domain/people/address.ts"
import type { ChannelName, MessagePriority } from "#outbound/messages/channels/channel.ts"

/** A message that this process sends. */
export interface ClaimedMessage {
  readonly id: string
  readonly facility_id: string
  readonly event_id: string
  readonly user_id: string
  readonly channel: ChannelName
  readonly type: string
  readonly priority: MessagePriority
  readonly title: string
  readonly body: string
  readonly html: string | null
  readonly link_id: string | null
  readonly data: Readonly<Record<string, unknown>> | null
  readonly ics: string | null
  /** Fencing token. */
  readonly lease: number
  /** Null: the recipient has no address now. */
  readonly reach: string | null
  /** What a server said of the address when it bounced for good; null: nothing. */
  readonly dead: string | null
  readonly first_name: string | null
  readonly last_name: string | null
}

export interface WantedMessages {
  readonly channel: ChannelName
  /** The process. */
  readonly owner: number
  readonly places: number
  /** The most places of one facility. */
  readonly perFacility: number
  /** The facility that was served last. */
  readonly after: string
  /** Facilities with sends under way, and how many. */
  readonly busy: ReadonlyMap<string, number>
  /** The hold of the service has ended, and this claim asks whether it takes messages again. */
  readonly probes: boolean
}

export function claimMessages(db: Db, wanted: WantedMessages): Promise<readonly ClaimedMessage[]> {
  const { channel, owner, places, perFacility, after, busy, probes } = wanted
  return withAddresses(
    db,
    channel,
    db`slotbase.claim_messages(${channel}, ${owner}, ${places}, ${perFacility}, ${after}, ${[...busy.keys()]}::uuid[],
      ${[...busy.values()]}::integer[], ${probes})`,
  )
}

/** One message that was abandoned twice, by itself. */
export const claimSuspect = (db: Db, channel: ChannelName, owner: number): Promise<readonly ClaimedMessage[]> =>
  withAddresses(db, channel, db`slotbase.claim_suspect(${channel}, ${owner})`)

const withAddresses = (db: Db, channel: ChannelName, claim: ReturnType<Db>) =>
  channel === "sms"
    ? withNumbers(db, claim)
    : channel === "email"
      ? db<ClaimedMessage[]>`
        select c.*, a.reach, d.answer as dead, u.first_name, u.last_name
        from ${claim} c
        left join slotbase.users u on u.id = c.user_id
        cross join lateral (select coalesce(c.address, ${addressIn(db, db`c.facility_id`)}) as reach offset 0) a
        left join slotbase.undeliverable_addresses d on d.address = lower(a.reach)`
      : db<ClaimedMessage[]>`
        select c.*, coalesce(c.address, '') as reach, null as dead, u.first_name, u.last_name
        from ${claim} c
        left join slotbase.users u on u.id = c.user_id`

/** The code for a number goes to that number. Every other text goes to the number that is verified now. */
const withNumbers = (db: Db, claim: ReturnType<Db>) => db<ClaimedMessage[]>`
  select c.*, case when c.type = 'user.phone_code_requested' then c.address else p.number end as reach, null as dead,
         u.first_name, u.last_name
  from ${claim} c
  left join slotbase.users u on u.id = c.user_id
  left join slotbase.phones p on p.user_id = c.user_id`

export interface ReadyMessages {
  /** When the next message is due that waits; null: none waits. */
  readonly next_due: Date | null
  /** A message waits to be sent by itself. */
  readonly suspects: boolean
}

/** Due messages in one statement. */
const readyBatch = 1_000

/** Makes messages ready whose time has come. */
export async function readyMessages(db: Db, channel: ChannelName): Promise<ReadyMessages> {
  for (;;) {
    const [row] = await db<[ReadyMessages & { readied: number }]>`
      select readied, next_due, suspects from slotbase.ready_messages(${channel}, ${readyBatch})`
    if (row.readied < readyBatch) return row
  }
}
