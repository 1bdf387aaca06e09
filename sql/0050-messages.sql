-- Messages are recorded by one transaction, and sent by another actor. Before, NotificationHandler sent its mails while
-- its run was under way, ten runs at once. So 10,000 mails of one club kept every other club's mail waiting. Now the
-- run ends when its messages are recorded. A row in message_queue waits to be sent. The actor send-messages claims rows
-- in turn over the facilities, and settles many together.

-- A queue of its own, because the row of a message is wide and has four indexes. The queue is narrow, and short.
-- A row that waits for an instant (a retry, quiet hours) has due_at, and is in no way of those that are ready. A step
-- before the claim makes due rows ready. So the claim walks over ready rows alone, from facility to facility.
create table slotbase.message_queue (
  id          uuid     not null,
  facility_id uuid     not null,
  event_id    uuid     not null,
  channel     text     not null constraint queue_channel_is_known check (channel in ('email', 'push', 'sms', 'in_app')),
  urgency     smallint not null constraint urgency_is_known check (urgency between 0 and 2),
  abandoned   smallint not null default 0,
  due_at      timestamptz,
  lease       bigint,
  owner       bigint,
  primary key (id, facility_id),
  constraint claimed_message_has_owner check ((lease is null) = (owner is null)),
  constraint claimed_message_is_ready check (lease is null or due_at is null)
) with (fillfactor = 70, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000, autovacuum_vacuum_cost_delay = 0);
create index message_queue_ready on slotbase.message_queue (channel, facility_id, urgency, id)
  where due_at is null and lease is null and abandoned < 2;
create index message_queue_due on slotbase.message_queue (channel, due_at) where due_at is not null;
create index message_queue_claimed on slotbase.message_queue (owner) where lease is not null;
create index message_queue_alone on slotbase.message_queue (channel, id) where abandoned >= 2;
comment on table  slotbase.message_queue is 'Messages that are not finished (notifications): each waits, is ready, or is being sent.';
comment on column slotbase.message_queue.id is 'The message: notifications.id.';
comment on column slotbase.message_queue.urgency is '0 critical, 1 high, 2 normal. Within a facility the more urgent goes first.';
comment on column slotbase.message_queue.abandoned is 'How often its process ended while it was being sent. After two it is sent by itself, so that it is the cause of a third.';
comment on column slotbase.message_queue.due_at is 'Not before this instant: a retry, or the end of quiet hours; null: ready.';
comment on column slotbase.message_queue.lease is 'Fencing token of its claim; null: nobody has it.';
comment on column slotbase.message_queue.owner is 'The process that sends it (processes.id). When that has expired, the message is free again, and its outcome unknown.';

alter table slotbase.notifications drop constraint notification_channel_is_known;
alter table slotbase.notifications add constraint notification_channel_is_known
  check (channel in ('email', 'push', 'sms', 'in_app')) not valid;
alter table slotbase.notifications add constraint notification_priority_is_known
  check (priority in ('critical', 'high', 'normal')) not valid;
alter table slotbase.notifications drop constraint notification_status_is_known;
alter table slotbase.notifications add constraint notification_status_is_known
  check (status in ('pending', 'sending', 'deferred', 'sent', 'bounced', 'refused', 'failed', 'skipped')) not valid;
alter table slotbase.notifications add column not_before timestamptz;
alter table slotbase.notifications add column data jsonb;
alter table slotbase.notifications add column ics text;
alter table slotbase.notifications add column sent_to text;
alter table slotbase.notifications add column bounced_at timestamptz;
alter table slotbase.notifications add constraint bounced_says_when
  check ((status = 'bounced') = (bounced_at is not null)) not valid;
comment on column slotbase.notifications.status is
  'sending: a send is under way or its outcome is unknown. deferred: tried again at next_try_at. sent: its server or service has taken it. bounced: a report said later that it could not be delivered. refused: the recipient''s server will not take it. failed: given up after days, see dead_letters. skipped: see reason.';
comment on column slotbase.notifications.reason is 'The last answer of the server or service, why it was skipped, or what a report said about it.';
comment on column slotbase.notifications.not_before is 'It is not sent before: quiet hours; null: at once.';
comment on column slotbase.notifications.data is 'What channels show beside the words, such as where a tap leads; null: nothing.';
comment on column slotbase.notifications.ics is 'The calendar invitation that goes with a mail (RFC 5545, with METHOD); null: none.';
comment on column slotbase.notifications.sent_to is 'The address that took it.';
comment on column slotbase.notifications.bounced_at is 'When the report arrived.';

-- A message is changed twice: when its send begins, and when its send has ended. No index may hold the columns of those
-- changes, also not in its condition. Otherwise both changes write to every index.
drop index slotbase.notifications_undelivered;
create index notifications_unsent on slotbase.notifications (facility_id, created_at) where deferred_since is not null;
comment on column slotbase.notifications.deferred_since is 'The first try that failed for now; null: none has. Five days later the message is given up, and keeps it.';

-- Each channel has a service of its own. Where the mail server takes nothing, push messages go on.
alter table slotbase.mail_service drop constraint mail_service_pkey;
alter table slotbase.mail_service drop constraint mail_service_has_one_row;
alter table slotbase.mail_service add column channel text not null default 'email' primary key
  constraint service_channel_is_known check (channel in ('email', 'push', 'sms', 'in_app'));
insert into slotbase.mail_service (channel) values ('push'), ('sms'), ('in_app');
comment on table  slotbase.mail_service is 'Whether the service of a channel takes messages at all: a row per channel. In-app messages need no service.';
comment on column slotbase.mail_service.only_row is 'Says nothing. A program from before this migration still returns it while both run.';
update slotbase.retention_rules set why = 'a row per channel' where name = 'mail_service';

-- Addresses at which mail has bounced for good. The key is the address: who gives another one is reached there.
create table slotbase.undeliverable_addresses (
  address     text        primary key constraint undeliverable_is_lower_case check (address = lower(address)),
  facility_id uuid        not null,
  message_id  uuid        not null,
  since       timestamptz not null default slotbase.now(),
  status      text        not null constraint undeliverable_has_status check (status ~ '^5\.\d{1,3}\.\d{1,3}$'),
  answer      text        not null
);
create index undeliverable_by_report on slotbase.undeliverable_addresses (since);
comment on table  slotbase.undeliverable_addresses is 'Addresses that take no mail for good: nothing is mailed there until staff clear it, or the person gives another one.';
comment on column slotbase.undeliverable_addresses.facility_id is 'The facility whose message bounced.';
comment on column slotbase.undeliverable_addresses.message_id is 'The message that bounced (notifications.id).';
comment on column slotbase.undeliverable_addresses.status is 'The enhanced status code (RFC 3463), such as 5.1.1.';
comment on column slotbase.undeliverable_addresses.answer is 'What the server said.';

insert into slotbase.retention_rules (name, ends, keep, at_least, says, done_by, condition, why) values
  ('undeliverable_addresses', 'after', '400 days', '30 days', 'after the report, or when staff clear it', 'retention',
   'since < $1', 'then the address is tried again');
insert into slotbase.retention_rules (name, ends, says, done_by, why) values
  ('message_queue', 'after', 'when its message is sent or given up', 'send-messages', 'what waits to be sent');

-- Rows whose instant has come are ready. Answers how many, when the next one is due, and whether a message waits to be
-- sent by itself.
create function slotbase.ready_messages(of_channel text, batch integer, out readied integer, out next_due timestamptz, out suspects boolean)
language plpgsql as $$
begin
  with due as materialized (
    select q.ctid as at from slotbase.message_queue q
    where q.channel = of_channel and q.due_at is not null and q.due_at <= (select slotbase.now())
    order by q.due_at limit batch for update skip locked
  )
  update slotbase.message_queue q set due_at = null where q.ctid = any (array(select at from due));
  get diagnostics readied = row_count;
  next_due := (select min(q.due_at) from slotbase.message_queue q where q.channel = of_channel and q.due_at is not null);
  suspects := exists (select from slotbase.message_queue q where q.channel = of_channel and q.abandoned >= 2 and q.due_at is null and q.lease is null);
end $$;
comment on function slotbase.ready_messages(text, integer) is 'Makes messages ready whose time has come.';

-- Claims messages, in turn over the facilities: one of each, then a second of each. The walk goes from the facility
-- after the last one that was served, and looks at ready rows alone, one look per facility. "busy" has facilities with
-- sends under way, and how many. No facility gets more places than "per_facility", so that one place is left to the
-- others. While the service is held nothing is claimed, but by the one who asks whether it takes messages again. Each
-- message is marked as being sent: an earlier send without an outcome counts as unknown.
create function slotbase.claim_messages(
  of_channel text, claimer bigint, wanted integer, per_facility integer, after uuid, busy uuid[], busy_with integer[], probes boolean
) returns table (
  id uuid, facility_id uuid, event_id uuid, user_id uuid, channel text, type text, priority text, title text, body text, html text,
  address text, link_id uuid, data jsonb, ics text, lease bigint
) rows 20 language plpgsql set plan_cache_mode = force_generic_plan set enable_seqscan = off as $$
#variable_conflict use_column
declare
  first   constant uuid := '00000000-0000-0000-0000-000000000000';
  at      uuid := after;
  wrapped boolean := false;
  found_f uuid[] := '{}';
  room    integer[] := '{}';
  there   uuid;
  left_in integer;
  token   bigint;
begin
  perform from slotbase.processes p
  join slotbase.mail_service s on s.channel = of_channel and (s.held_until is null or probes)
  where p.id = claimer and p.alive_until > clock_timestamp();
  if not found then
    return;
  end if;
  while cardinality(found_f) < wanted loop
    select q.facility_id into there from slotbase.message_queue q
    where q.channel = of_channel and q.facility_id > at and q.due_at is null and q.lease is null and q.abandoned < 2
    order by q.facility_id limit 1;
    if there is null then
      exit when wrapped or after = first;
      wrapped := true;
      at      := first;
      continue;
    end if;
    exit when wrapped and there > after;
    left_in := per_facility - coalesce(busy_with[array_position(busy, there)], 0);
    if left_in > 0 then
      found_f := found_f || there;
      room    := room || left_in;
    end if;
    at := there;
  end loop;
  if cardinality(found_f) = 0 then
    return;
  end if;
  token := nextval('slotbase.lease_seq');
  return query
  with picked as materialized (
    select x.at from unnest(found_f, room) with ordinality as f (facility_id, room, nth)
    cross join lateral (
      select y.at, row_number() over () as turn from (
        select q.ctid as at from slotbase.message_queue q
        where q.channel = of_channel and q.facility_id = f.facility_id and q.due_at is null and q.lease is null and q.abandoned < 2
        order by q.urgency, q.id limit least(f.room, wanted) for update skip locked) y
    ) x
    order by x.turn, f.nth limit wanted
  ), claimed as (
    update slotbase.message_queue q set lease = token, owner = claimer
    where q.ctid = any (array(select p.at from picked p))
    returning q.id, q.facility_id
  )
  update slotbase.notifications n
  set status = 'sending', attempts = n.attempts + 1, unknown_outcomes = n.unknown_outcomes + (n.status = 'sending')::integer, reason = null
  from claimed c
  where n.id = c.id and n.facility_id = c.facility_id
  returning n.id, n.facility_id, n.event_id, n.user_id, n.channel, n.type, n.priority, n.title, n.body, n.html,
            n.address, n.link_id, n.data, n.ics, token;
end $$;
comment on function slotbase.claim_messages(text, bigint, integer, integer, uuid, uuid[], integer[], boolean) is 'Claims messages of a channel for a process, in turn over the facilities, and marks them as being sent.';

-- A message that was being sent when its process ended, twice, is sent by itself: its neighbours must not share its
-- fate. The caller has nothing else under way in the channel.
create function slotbase.claim_suspect(of_channel text, claimer bigint)
returns table (
  id uuid, facility_id uuid, event_id uuid, user_id uuid, channel text, type text, priority text, title text, body text, html text,
  address text, link_id uuid, data jsonb, ics text, lease bigint
) rows 1 language sql as $$
  with picked as materialized (
    select q.ctid as at from slotbase.message_queue q
    where q.channel = of_channel and q.abandoned >= 2 and q.due_at is null and q.lease is null
      and exists (select from slotbase.processes p where p.id = claimer and p.alive_until > clock_timestamp())
    order by q.id limit 1 for update skip locked
  ), claimed as (
    update slotbase.message_queue q set lease = nextval('slotbase.lease_seq'), owner = claimer
    where q.ctid = any (array(select p.at from picked p))
    returning q.id, q.facility_id, q.lease
  )
  update slotbase.notifications n
  set status = 'sending', attempts = n.attempts + 1, unknown_outcomes = n.unknown_outcomes + (n.status = 'sending')::integer, reason = null
  from claimed c
  where n.id = c.id and n.facility_id = c.facility_id
  returning n.id, n.facility_id, n.event_id, n.user_id, n.channel, n.type, n.priority, n.title, n.body, n.html,
            n.address, n.link_id, n.data, n.ics, c.lease
$$;
comment on function slotbase.claim_suspect(text, bigint) is 'Claims one message that was abandoned twice, by itself.';

-- A message that was sent leaves the queue, also when its process had counted as expired: it was sent. Answers those
-- that this call has settled.
create function slotbase.settle_sent(ids uuid[], facilities uuid[], addresses text[])
returns table (id uuid, facility_id uuid, sent_at timestamptz)
rows 20 language sql set enable_seqscan = off as $$
  with sent as materialized (
    select s.id, s.facility_id, s.address, (select slotbase.now()) as now from unnest(ids, facilities, addresses) as s (id, facility_id, address)
  ), gone as (
    delete from slotbase.message_queue q using sent s where q.id = s.id and q.facility_id = s.facility_id
    returning s.id, s.facility_id, s.address, s.now
  )
  update slotbase.notifications n
  set status = 'sent', sent_at = g.now, sent_to = g.address, reason = null, deferred_since = null, next_try_at = null
  from gone g
  where n.id = g.id and n.facility_id = g.facility_id
  returning n.id, n.facility_id, n.sent_at
$$;
comment on function slotbase.settle_sent(uuid[], uuid[], text[]) is 'Messages that their service has taken.';

-- Ends of sends that are not "sent". Each has its lease, which must still be its own, and "how":
--   skipped   Nothing left: the send that was begun does not count.
--   refused   The recipient's server will never take it.
--   deferred  It is tried again after a gap: the time that it has waited, at most four hours. The least gap is a
--             second, or a minute if the outcome is unknown. It has failed after five days, or after five unknown
--             outcomes. It has also failed after a minute, if it is refused for good.
-- Answers the messages that have failed; the caller makes their dead letters.
create function slotbase.settle_unsent(ends json)
returns table (id uuid, facility_id uuid, event_id uuid, channel text, reason text)
rows 20 language sql set enable_seqscan = off as $$
  with e as materialized (
    select x.*, t.now from (select slotbase.now() as now) t
    cross join json_to_recordset(ends) as x (
      id uuid, facility_id uuid, lease bigint, how text, reason text, known boolean, permanent boolean, least_ms float8, random float8)
  ), held as materialized (
    select e.*, coalesce(n.deferred_since, e.now) as since, n.unknown_outcomes, q.ctid as at
    from e
    join slotbase.message_queue q on q.id = e.id and q.facility_id = e.facility_id and q.lease = e.lease
    join slotbase.notifications n on n.id = e.id and n.facility_id = e.facility_id
    for update of q
  ), decided as materialized (
    select h.*,
           case when h.how <> 'deferred' then h.how
                when h.now - h.since >= case when h.permanent then interval '1 minute' else interval '5 days' end
                  or (not h.known and h.unknown_outcomes >= 5) then 'failed'
                else 'deferred' end as becomes,
           h.now + greatest(h.least_ms * interval '1 ms', case when h.known then interval '1 second' else interval '1 minute' end,
                            least(interval '4 hours', h.now - h.since)) * (0.8 + 0.4 * h.random) as next_try
    from held h
  ), ended as (
    delete from slotbase.message_queue q using decided d where q.ctid = d.at and d.becomes <> 'deferred'
  ), waiting as (
    update slotbase.message_queue q set lease = null, owner = null, due_at = d.next_try
    from decided d where q.ctid = d.at and d.becomes = 'deferred'
  ), noted as (
    update slotbase.notifications n
    set status         = case when d.becomes = 'deferred' and not d.known then 'sending' else d.becomes end,
        reason         = d.reason,
        attempts       = n.attempts - (d.becomes = 'skipped')::integer,
        deferred_since = case when d.becomes in ('deferred', 'failed') then d.since end,
        next_try_at    = case when d.becomes = 'deferred' then d.next_try end
    from decided d
    where n.id = d.id and n.facility_id = d.facility_id
    returning n.id, n.facility_id, n.event_id, n.channel, n.reason, d.becomes
  )
  select n.id, n.facility_id, n.event_id, n.channel, n.reason from noted n where n.becomes = 'failed'
$$;
comment on function slotbase.settle_unsent(json) is 'Messages that were skipped, refused, put off or given up. Answers those that were given up.';

-- While the service of a channel takes nothing, ready messages wait for the end of the hold, spread over ten seconds.
-- No send was begun. After five days they have failed, and are answered.
create function slotbase.hold_messages(of_channel text, held_ms float8, answer text, batch integer)
returns table (id uuid, facility_id uuid, event_id uuid, channel text, reason text, was_given_up boolean)
rows 100 language sql as $$
  with held as materialized (
    select q.ctid as at, q.id, q.facility_id, t.now, t.now + held_ms * interval '1 ms' + random() * interval '10 seconds' as next_try
    from (select slotbase.now() as now) t
    cross join slotbase.message_queue q
    where q.channel = of_channel and q.due_at is null and q.lease is null
    limit batch for update of q skip locked
  ), decided as materialized (
    select h.*, coalesce(n.deferred_since, h.now) as since, h.now - coalesce(n.deferred_since, h.now) >= interval '5 days' as over
    from held h join slotbase.notifications n on n.id = h.id and n.facility_id = h.facility_id
  ), ended as (
    delete from slotbase.message_queue q using decided d where q.ctid = d.at and d.over
  ), waiting as (
    update slotbase.message_queue q set due_at = d.next_try from decided d where q.ctid = d.at and not d.over
  )
  update slotbase.notifications n
  set status = case when d.over then 'failed' when n.status = 'sending' then 'sending' else 'deferred' end,
      reason = answer, deferred_since = d.since, next_try_at = case when not d.over then d.next_try end
  from decided d
  where n.id = d.id and n.facility_id = d.facility_id
  returning n.id, n.facility_id, n.event_id, n.channel, n.reason, d.over
$$;
comment on function slotbase.hold_messages(text, float8, text, integer) is 'Messages of a channel whose service takes nothing wait. Answers them, with those that were given up.';

-- Claims of processes that are no longer alive are free again: the outcome of those sends is unknown. A message that
-- was abandoned for the third time was sent by itself, so it is the cause, and has failed.
create function slotbase.free_messages(claimer bigint, batch integer)
returns table (id uuid, facility_id uuid, event_id uuid, channel text, reason text, was_given_up boolean)
rows 20 language sql as $$
  with alive as materialized (
    select coalesce(array_agg(p.id), '{}') as ids from slotbase.processes p where p.alive_until > clock_timestamp()
  ), lost as materialized (
    select q.ctid as at, q.id, q.facility_id, q.abandoned >= 2 as over
    from slotbase.message_queue q
    where q.lease is not null and q.owner <> claimer and q.owner <> all ((select ids from alive)::bigint[])
    limit batch for update skip locked
  ), ended as (
    delete from slotbase.message_queue q using lost l where q.ctid = l.at and l.over
  ), freed as (
    update slotbase.message_queue q set lease = null, owner = null, abandoned = q.abandoned + 1
    from lost l where q.ctid = l.at and not l.over
  ), given_up as (
    update slotbase.notifications n
    set status = 'failed', reason = 'its process ended three times while it was being sent', unknown_outcomes = n.unknown_outcomes + 1,
        deferred_since = coalesce(n.deferred_since, slotbase.now()), next_try_at = null
    from lost l where n.id = l.id and n.facility_id = l.facility_id and l.over
  )
  select n.id, n.facility_id, n.event_id, n.channel, 'its process ended three times while it was being sent', l.over
  from lost l join slotbase.notifications n on n.id = l.id and n.facility_id = l.facility_id
$$;
comment on function slotbase.free_messages(bigint, integer) is 'Frees the messages of expired processes; their outcome is unknown. Answers them, with those that were given up.';

-- A report about a message that its server had taken. Answers the message, when there is one. A report that comes twice
-- changes nothing more. A message that is being sent again is left to its end.
create function slotbase.note_bounce(of_message uuid, failed boolean, answer text) returns table (facility_id uuid, sent_to text)
rows 1 language sql as $$
  update slotbase.notifications n
  set status     = case when failed and n.status = 'sent' then 'bounced' else n.status end,
      bounced_at = case when failed and n.status = 'sent' then slotbase.now() else n.bounced_at end,
      reason     = case when n.status = 'sent' then answer else n.reason end
  where n.id = of_message and n.channel = 'email' and n.status in ('sent', 'bounced')
  returning n.facility_id, n.sent_to
$$;
comment on function slotbase.note_bounce(uuid, boolean, text) is 'Notes that a mail could not be delivered, or is delayed.';

-- The dead letter of a message that was given up. The run of NotificationHandler had succeeded when it recorded the
-- message. Now it is a dead letter, so that reprocessing it begins the message anew. A run that succeeded with others
-- has no row of its own, and gets one.
create function slotbase.dead_letter_of_messages(of_event uuid, of_facility uuid, error jsonb) returns void language plpgsql
set enable_partition_pruning = off as $$
#variable_conflict use_column
declare
  by_handler constant text := 'NotificationHandler';
  present    constant timestamptz := slotbase.now();
  place      bigint;
begin
  perform pg_advisory_xact_lock(hashtext('slotbase dead letter'), hashtext(of_event::text));
  place := (select p.position from slotbase.event_positions p where p.event_id = of_event limit 1);
  update slotbase.handler_history h
  set status = 'dead_letter', reason = null, settled_at = present, errors = coalesce(h.errors, '[]') || error
  where h.event_id = of_event and h.handler = by_handler;
  if not found and place is not null then
    update slotbase.handler_batches b
    set positions = b.positions - int8multirange(int8range(place, place, '[]')), runs = b.runs - 1
    where b.handler = by_handler and b.positions @> place;
    if found then
      delete from slotbase.handler_batches b where b.handler = by_handler and b.positions = '{}'::int8multirange;
      insert into slotbase.handler_history (event_id, handler, facility_id, position, status, attempts, duration_ms, settled_at, errors)
      values (of_event, by_handler, of_facility, place, 'dead_letter', 1, 0, present, jsonb_build_array(error));
    end if;
  end if;
  insert into slotbase.dead_letters (id, facility_id, event_id, position, handler, event, errors, created_at, last_attempt_at)
  select slotbase.derived_id(of_event, by_handler), of_facility, of_event, coalesce(place, 0), by_handler,
         coalesce((select slotbase.event_body(e)::jsonb from slotbase.events e where e.id = of_event and e.facility_id = of_facility),
                  jsonb_build_object('id', of_event)),
         jsonb_build_array(error), present, present
  on conflict (id, facility_id) do update
  set errors = dead_letters.errors || excluded.errors, last_attempt_at = excluded.last_attempt_at,
      resolved_at = null, resolved_by = null, resolution = null;
end $$;
comment on function slotbase.dead_letter_of_messages(uuid, uuid, jsonb) is 'Makes the run of NotificationHandler for an event a dead letter, because a message of it was given up.';

do $$ begin
  if exists (select from pg_roles where rolname = 'slotbase_reader') then
    grant select (channel) on slotbase.mail_service to slotbase_reader;
    grant select on slotbase.message_queue, slotbase.undeliverable_addresses to slotbase_reader;
  end if;
end $$;
