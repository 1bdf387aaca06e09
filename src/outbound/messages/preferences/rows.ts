/** What people have switched on or off, and their quiet hours. Writes: message_switches, quiet_hours. */
import type { Tx } from "#base/database/transaction.ts"
import type { ChannelName } from "#outbound/messages/channels/channel.ts"
import type { QuietHours } from "./quiet-hours.ts"

/** All types without a switch of their own. */
export const allTypes = "*"

export interface Switch {
  readonly type: string
  readonly channel: ChannelName
  readonly enabled: boolean
}

export type QuietChannel = Exclude<ChannelName, "in_app">

export interface Choice {
  readonly switches: readonly Switch[]
  readonly quietHours: (QuietHours & { readonly channels: readonly QuietChannel[] }) | null
  /** The person's own zone; null: that of the facility. */
  readonly timezone: string | null
}

/** Sets one switch. Answers whether it differs from before. */
export async function setSwitch(tx: Tx, userId: string, { type, channel, enabled }: Switch): Promise<boolean> {
  const { count } = await tx`
    insert into slotbase.message_switches as s (user_id, type, channel, enabled)
    select u.id, ${type}, ${channel}, ${enabled} from slotbase.users u where u.id = ${userId}
    on conflict (user_id, type, channel) do update set enabled = excluded.enabled where s.enabled <> excluded.enabled`
  return count === 1
}

/** Replaces all choices of a person. The person is locked. */
export async function replaceChoices(
  tx: Tx,
  userId: string,
  { switches, quietHours }: Pick<Choice, "switches" | "quietHours">,
): Promise<void> {
  await tx`delete from slotbase.message_switches where user_id = ${userId}`
  if (switches.length > 0)
    await tx`
      insert into slotbase.message_switches (user_id, type, channel, enabled)
      select ${userId}, s.type, s.channel, s.enabled
      from jsonb_to_recordset(${tx.json(switches as never)}) as s (type text, channel text, enabled boolean)`
  if (quietHours === null) await tx`delete from slotbase.quiet_hours where user_id = ${userId}`
  else
    await tx`
      insert into slotbase.quiet_hours (user_id, start_time, end_time, channels)
      values (${userId}, ${quietHours.start}, ${quietHours.end}, ${quietHours.channels as string[]})
      on conflict (user_id) do update
      set start_time = excluded.start_time, end_time = excluded.end_time, channels = excluded.channels`
}
