// The questions about messages: each addressee has one on record. Each message is sent at least once, waits, or has
// ended with a reason. What was given up is a dead letter.

import type { Queryable } from "#base/database/db.ts"
import { NOTIFICATION_CONFIGS } from "#outbound/messages/configs.ts"
import { ask, type Question } from "./question.ts"

export const messageQuestions = (db: Queryable, after: number): readonly Question[] => [
  ask("P4", "somebody who does not have exactly one message of an event", wrongMessages(db, after)),
  ask(
    "P4",
    "a message that is not sent and waits nowhere, although the run of its event has succeeded",
    db`
      select n.id, n.event_id, n.type, n.status, n.attempts, n.reason from slotbase.notifications n
      join slotbase.handler_runs r on r.event_id = n.event_id and r.handler = 'NotificationHandler' and r.status = 'success'
      where r.position > ${after} and n.status not in ('sent', 'bounced', 'skipped', 'refused')
        and not exists (select from slotbase.message_queue q where q.id = n.id and q.facility_id = n.facility_id)`,
  ),
  ask(
    "P4",
    "a message that waits although it has ended",
    db`
      select n.id, n.status from slotbase.message_queue q
      join slotbase.notifications n on n.id = q.id and n.facility_id = q.facility_id
      where n.status in ('sent', 'bounced', 'skipped', 'refused', 'failed')`,
  ),
  ask(
    "P4",
    "a message that counts as sent and was never tried, or has more unknown outcomes than tries",
    db`
      select n.id, n.channel, n.status, n.attempts, n.unknown_outcomes from slotbase.notifications n
      join slotbase.event_positions p on p.event_id = n.event_id
      where p.position > ${after} and n.channel <> 'in_app'
        and (n.status = 'sent' and n.attempts < 1 or n.unknown_outcomes > n.attempts)`,
  ),
  ask(
    "P5",
    "a message that ended without being sent, and has no reason",
    db`
      select n.id, n.status from slotbase.notifications n join slotbase.event_positions p on p.event_id = n.event_id
      where p.position > ${after} and n.status in ('bounced', 'skipped', 'refused', 'failed') and coalesce(n.reason, '') = ''`,
  ),
  ask(
    "P5",
    "a message that was given up without a dead letter of its event",
    db`
      select n.id, n.event_id, n.reason from slotbase.notifications n
      join slotbase.event_positions p on p.event_id = n.event_id
      where p.position > ${after} and n.status = 'failed'
        and not exists (select from slotbase.dead_letters d
                        where d.event_id = n.event_id and d.handler = 'NotificationHandler' and d.resolved_at is null)`,
  ),
  ask(
    "P4",
    "an event in the backlog of messages twice, or one that has messages already",
    db`
      select b.event_id, count(*) from slotbase.message_backlog b group by b.event_id
      having count(*) > 1 or exists (select from slotbase.notifications n where n.event_id = b.event_id)`,
  ),
]

/**
 * The recipients of each notification that goes only to the booker and the participants of one booking, or to the coach
 * of a lesson. No booking that is asked about is a lesson.
 */
const told = Object.entries(NOTIFICATION_CONFIGS).flatMap(([type, { recipients = [] } = {}]) =>
  recipients.every((each) => ["booker", "participants", "coach"].includes(each.type))
    ? recipients.map((each) => ({ type, recipient: each.type, channel: each.channel }))
    : [],
)
const conditional = Object.keys(NOTIFICATION_CONFIGS).filter((type) => {
  const { whyNot, toldElsewhere } = NOTIFICATION_CONFIGS[type] ?? {}
  return whyNot ?? toldElsewhere
})

/** A message that is no longer true at its turn is skipped; an earlier attempt may already have sent it. */
const wrongMessages = (db: Queryable, after: number) => db`
  with told as (
    select * from unnest(${told.map(({ type }) => type)}::text[], ${told.map(({ recipient }) => recipient)}::text[],
      ${told.map(({ channel }) => channel)}::text[]) as t (type, recipient, channel)
  ), due as materialized (
    select p.event_id, p.type, e.facility_id, e.data from slotbase.event_positions p
    join slotbase.events e on e.id = p.event_id and e.facility_id = p.facility_id
    join slotbase.handlers h on h.handler = 'NotificationHandler' and h.event_type = p.type
      and h.from_position <= p.position and (h.until_position is null or p.position < h.until_position)
    where p.position > ${after} and p.type in (select type from told)
      and not (p.type = any (${conditional}::text[])
        and exists (select from slotbase.handler_history r
                    where r.event_id = p.event_id and r.handler = h.handler and r.status = 'skipped'))
  ), listed as (
    select distinct d.event_id, u.user_id, t.channel from due d join told t using (type)
    cross join lateral (
      select coalesce(d.data ->> 'bookerId', d.data ->> 'userId')::uuid as user_id where t.recipient = 'booker'
      union all
      select (x ->> 'userId')::uuid from jsonb_array_elements(d.data -> 'participants') x where t.recipient = 'participants'
      union all
      select b.user_id from slotbase.booking_participants b
      where t.recipient = 'participants' and d.data -> 'participants' is null
        and b.booking_id = (d.data ->> 'bookingId')::uuid and b.facility_id = d.facility_id
    ) u
  ), expected as (
    select * from listed
    union
    select l.event_id, l.user_id, 'in_app' from listed l join slotbase.users u on u.id = l.user_id
    where u.password_hash is not null
    union
    select l.event_id, l.user_id, 'push' from listed l join slotbase.push_subscriptions b on b.user_id = l.user_id
  ), written as (
    -- A message for each browser is one way of telling.
    select n.event_id, n.user_id, n.channel, case n.channel when 'push' then 1 else count(*) end as messages
    from slotbase.notifications n join due using (event_id)
    -- Texts go by what each reader has chosen.
    where n.channel <> 'sms'
    group by 1, 2, 3
  )
  select event_id, user_id, channel, e.user_id is not null as expected, coalesce(w.messages, 0) as messages
  from expected e full join written w using (event_id, user_id, channel)
  where (e.user_id is not null)::integer <> coalesce(w.messages, 0)`
