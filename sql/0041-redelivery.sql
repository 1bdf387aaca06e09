-- Redelivery: what was sent is sent again, by a range or by its cause, at a rate. A replay is one row. A job works it
-- off in batches, and each batch moves the row's cursor in its own transaction. So a crash repeats no batch and skips
-- none. The deliveries of a replay have its number, which makes each of them unique: an event gets one per replay.

create table slotbase.replays (
  id                  uuid        not null,
  facility_id         uuid        not null,
  kind                text        not null constraint replay_kind_is_known check (kind in ('events', 'failed', 'dead_letters')),
  webhook_id          uuid,
  number              smallint,
  handler             text,
  cause               text,
  types               text[],
  since               timestamptz,
  until               timestamptz not null,
  include_unsubscribed boolean    not null default false,
  rate_per_second     integer     not null constraint replay_rate_is_positive check (rate_per_second > 0),
  status              text        not null default 'running' constraint replay_status_is_known
                                  check (status in ('running', 'sending', 'paused', 'completed', 'cancelled')),
  reason              text,
  cursor_id           uuid        not null default '00000000-0000-0000-0000-000000000000',
  cursor_position     bigint      not null default 0,
  end_position        bigint      not null default 0,
  queued              bigint      not null default 0,
  skipped             bigint      not null default 0,
  delivered           bigint,
  failed              bigint,
  paced_to            timestamptz not null default slotbase.now(),
  wake_at             timestamptz not null default slotbase.now(),
  created_at          timestamptz not null default slotbase.now(),
  created_by          uuid        not null references slotbase.users (id),
  ended_at            timestamptz,
  primary key (id, facility_id),
  constraint replay_of_events_has_number check ((kind = 'events') = (number is not null)),
  constraint replay_of_deliveries_has_webhook check (kind = 'dead_letters' or webhook_id is not null),
  constraint replay_end_says_when check ((status in ('completed', 'cancelled')) = (ended_at is not null))
);
create index replays_of_facility on slotbase.replays (facility_id, id);
create index replays_to_work_off on slotbase.replays (wake_at) where status in ('running', 'sending');
create unique index one_replay_of_a_webhook_at_a_time on slotbase.replays (webhook_id)
  where kind <> 'dead_letters' and status in ('running', 'paused');
create index replays_by_age on slotbase.replays (ended_at) where ended_at is not null;
create index replays_by_creator on slotbase.replays (created_by);
comment on table  slotbase.replays is 'What is sent again: a range of events to a webhook, its failed deliveries, or dead letters by their cause. Worked off in batches.';
comment on column slotbase.replays.facility_id is 'Dead letters of all facilities: the platform facility.';
comment on column slotbase.replays.kind is 'events: a new delivery of each event; failed: the failed deliveries go back to the queue; dead_letters: their runs and deliveries do.';
comment on column slotbase.replays.number is 'delivery_queue.replay of its deliveries; from 10,000 on, so that it differs from what was sent again by hand.';
comment on column slotbase.replays.since is 'Events recorded from then on; of dead letters: that died from then on.';
comment on column slotbase.replays.until is 'Before this instant.';
comment on column slotbase.replays.include_unsubscribed is 'Also events that the webhook''s present configuration matches and that it never got.';
comment on column slotbase.replays.status is 'sending: everything is in the queue, and some of it has not ended.';
comment on column slotbase.replays.reason is 'Why it was cancelled by itself.';
comment on column slotbase.replays.cursor_id is 'The last event (failed) or dead letter that was worked off.';
comment on column slotbase.replays.cursor_position is 'The last position that was worked off; of failed deliveries: the replay number of the last one.';
comment on column slotbase.replays.end_position is 'The end of the log when it began: later events are delivered by themselves.';
comment on column slotbase.replays.queued is 'Deliveries and runs that it has put into their queues.';
comment on column slotbase.replays.skipped is 'What could not be put back: its event, handler or webhook is gone.';
comment on column slotbase.replays.delivered is 'Of its own deliveries, when it has ended; before, the queue and the history say it.';
comment on column slotbase.replays.paced_to is 'When the next of them may be sent.';
comment on column slotbase.replays.wake_at is 'When the next batch is made.';
insert into slotbase.retention_rules (name, ends, keep, at_least, says, done_by, condition, why) values
  ('replays', 'after', '90 days', '7 days', 'after it was completed or cancelled', 'retention',
   'ended_at < $1', 'says who sent what again');

-- Nearly empty, and no update changes their columns: a claim stays a HOT update.
create index delivery_queue_replays on slotbase.delivery_queue (webhook_id, replay, position) where replay > 0;
create index delivery_history_replays on slotbase.delivery_history (webhook_id, replay, event_id) where replay > 0;
create index delivery_history_failed on slotbase.delivery_history (webhook_id, event_id, replay) where status = 'failed';
-- The number that a receiver misses names its delivery. The entry is 32 bytes per delivery.
create index delivery_history_sequences on slotbase.delivery_history (webhook_id, sequence) where replay = 0;
create index dead_letters_open_by_id on slotbase.dead_letters (id) where resolved_at is null;
comment on column slotbase.delivery_queue.replay is '0: the delivery that dispatch made. 1 to 9,999: sent again by hand, and tests. From 10,000 on: sent by the replay of this number.';
comment on column slotbase.delivery_queue.sequence is 'Dense per webhook, given at dispatch. A delivery that is sent again has the number of its first one; 0: there was none.';

-- The log is dense and in the order of dispatch, so an instant is found by halving. An event is never dispatched before
-- it was recorded: every event of the instant and later has at least this position.
create function slotbase.position_at(at timestamptz) returns bigint language plpgsql stable as $$
declare
  low    bigint;
  high   bigint;
  middle bigint;
  seen   timestamptz;
begin
  select min(position), max(position) + 1 into low, high from slotbase.event_positions;
  while low < high loop
    middle := (low + high) / 2;
    select dispatched_at into seen from slotbase.event_positions where position >= middle order by position limit 1;
    if seen >= at then high := middle; else low := middle + 1; end if;
  end loop;
  return coalesce(low, 1);
end $$;
comment on function slotbase.position_at(timestamptz) is 'The first position that was dispatched at this instant or later.';

-- The queue is in the order of positions, and sequences rise with them.
create function slotbase.queued_position(of_webhook uuid, of_sequence bigint) returns bigint language plpgsql stable as $$
declare
  low    bigint;
  high   bigint;
  middle bigint;
  seen   bigint;
begin
  select min(position), max(position) + 1 into low, high from slotbase.delivery_queue where webhook_id = of_webhook;
  while low < high loop
    middle := (low + high) / 2;
    select sequence into seen from slotbase.delivery_queue
    where webhook_id = of_webhook and position >= middle and replay = 0 order by position limit 1;
    if seen is null or seen >= of_sequence then high := middle; else low := middle + 1; end if;
  end loop;
  return low;
end $$;
comment on function slotbase.queued_position(uuid, bigint) is 'The lowest position at which a webhook''s queue may have this sequence or a later one; null: the queue is empty.';

do $$ begin
  if exists (select from pg_roles where rolname = 'slotbase_reader') then
    grant select on slotbase.replays to slotbase_reader;
  end if;
end $$;
