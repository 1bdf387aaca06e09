-- Where events end: dead letters of runs and deliveries, messages to people, the local mailbox, and the figures of a
-- day.

create table slotbase.dead_letters (
  id              uuid        not null,
  facility_id     uuid        not null,
  event_id        uuid        not null,
  position        bigint      not null,
  handler         text,
  webhook_id      uuid,
  delivery_id     uuid,
  event           jsonb       not null,
  errors          jsonb       not null,
  created_at      timestamptz not null,
  last_attempt_at timestamptz not null,
  resolved_at     timestamptz,
  resolved_by     uuid        references slotbase.users (id),
  resolution      text        constraint resolution_is_known check (resolution in ('reprocessed', 'ignored', 'manual')),
  primary key (id, facility_id),
  constraint dead_letter_is_of_one_thing check ((handler is not null) <> (delivery_id is not null)),
  constraint resolved_says_how check ((resolved_at is null) = (resolution is null))
);
create index dead_letters_of_facility on slotbase.dead_letters (facility_id, id);
create index dead_letters_open on slotbase.dead_letters (facility_id, id) where resolved_at is null;
create index dead_letters_of_event on slotbase.dead_letters (event_id);
comment on table  slotbase.dead_letters is 'A run or delivery that exhausted its retries, with every error: one row per event and handler, or per delivery. Can be reprocessed.';
comment on column slotbase.dead_letters.id is 'Derived from the event and the handler or delivery: a further final failure reopens the same row.';
comment on column slotbase.dead_letters.event is 'The whole DomainEvent, kept also after the event''s partition is gone.';

-- Both kinds of work come back as due retries, because the scans of fresh work start above their positions.
create function slotbase.reprocess(dead_letter uuid) returns text language plpgsql as $$
declare
  letter slotbase.dead_letters;
  moved  integer;
begin
  select * into letter from slotbase.dead_letters where id = dead_letter for update;
  if not found then
    raise exception 'there is no dead letter %', dead_letter using errcode = '22023';
  elsif letter.resolved_at is not null then
    raise exception 'the dead letter was resolved already: %', letter.resolution using errcode = '22023';
  end if;
  if letter.handler is not null then
    with gone as (
      delete from slotbase.handler_history h
      where h.event_id = letter.event_id and h.handler = letter.handler and h.status = 'dead_letter'
        and exists (select from slotbase.events e
                    join slotbase.handlers s on s.event_type = e.type and s.handler = h.handler and not s.ended
                    where e.id = h.event_id and e.facility_id = h.facility_id)
      returning h.handler, h.position, h.facility_id, h.event_id
    )
    insert into slotbase.handler_queue (handler, position, facility_id, event_id, ready_at)
    select handler, position, facility_id, event_id, slotbase.now() from gone;
  else
    perform from slotbase.webhooks
    where id = letter.webhook_id and facility_id = letter.facility_id and deleted_at is null for no key update;
    if found then
      with gone as (
        delete from slotbase.delivery_history h
        where h.webhook_id = letter.webhook_id and h.event_id = letter.event_id and h.delivery_id = letter.delivery_id
          and h.status = 'failed'
          and exists (select from slotbase.events e where e.id = h.event_id and e.facility_id = h.facility_id)
        returning *
      )
      insert into slotbase.delivery_queue (webhook_id, position, replay, facility_id, event_id, delivery_id, sequence,
        attempts, ready_at, errors)
      select webhook_id, position, replay, facility_id, event_id, delivery_id, sequence, attempts, slotbase.now(), errors from gone;
    end if;
  end if;
  get diagnostics moved = row_count;
  if moved = 0 then
    raise exception 'it can no longer be reprocessed: its event, its handler or its webhook is gone, or it is not dead'
      using errcode = '22023', hint = 'It can be resolved by hand: update slotbase.dead_letters.';
  end if;
  update slotbase.dead_letters set resolved_at = slotbase.now(), resolution = 'reprocessed'
  where id = letter.id and facility_id = letter.facility_id;
  return coalesce('run of ' || letter.handler, 'delivery ' || letter.delivery_id);
end $$;
comment on function slotbase.reprocess(uuid) is 'Puts the run or the delivery of a dead letter back to work, with all its retries before it.';

-- The cached days of availability ask this of CacheInvalidationHandler. The function hides where an unfinished run may
-- be: behind the cursor, in a claim, in the queue, or among the dead letters. PostgreSQL puts the text of the function
-- into the statement that calls it, so the call costs nothing. That holds only for a function that is stable, has no
-- settings of its own, stands in "from", and takes no sub-select as an argument. The number of events that are read is
-- limited: when at_most of them follow, the answer is false. "offset 0" keeps the plan on the index of the facility.
-- Without it the limit made PostgreSQL choose the primary key, and so read the events of all other facilities.
create function slotbase.runs_finished_after(
  for_handler text, of_types text[], of_facility uuid, after bigint, at_most integer
) returns table (finished boolean) language sql stable as $$
  select s.subscribed and not b.behind
  from (
    select count(*) = cardinality(of_types) and max(h.from_position) <= after + 1 as subscribed
    from slotbase.handlers h
    where h.handler = for_handler and h.event_type = any (of_types)
      and h.from_position is not null and h.until_position is null
  ) s
  cross join (
    select count(*) = at_most or coalesce(bool_or(e.unfinished), false) as behind
    from (
      select p.position >= coalesce((select slotbase.cursor_of(for_handler)), 0)
             or p.position = any (array(select unnest(c.positions) from slotbase.handler_claims c
                                        where c.handler = for_handler and c.fresh))
             or exists (select from slotbase.handler_queue q where q.handler = for_handler and q.position = p.position)
             or exists (select from slotbase.dead_letters d where d.event_id = p.event_id and d.handler = for_handler
                          and d.resolution is distinct from 'reprocessed') as unfinished
      from (select of_facility as facility_id, after as position offset 0) a
      join slotbase.event_positions p on p.facility_id = a.facility_id and p.position > a.position
      limit at_most
    ) e
  ) b
$$;
comment on function slotbase.runs_finished_after(text, text[], uuid, bigint, integer) is
  'Whether a handler has been subscribed to these types since a position, and has finished its runs of a facility''s events after that position.';

-- A mail that is sent again may arrive twice when the outcome of the earlier send is unknown. The column
-- unknown_outcomes counts those sends; attempts also counts sends that were certainly refused. A message is written
-- once and changed twice: when its send begins, and when its send has ended. Its wide columns (body, HTML) are kept
-- beside the row, so a change copies two pointers instead of kilobytes. A fifth of each page is left free, so the new
-- row stays on its page. No indexed column changes, so the indexes are not touched.
create table slotbase.notifications (
  id               uuid        not null,
  facility_id      uuid        not null,
  event_id         uuid        not null,
  user_id          uuid        not null,
  channel          text        not null constraint notification_channel_is_known check (channel in ('email', 'push', 'sms')),
  type             text        not null,
  template_id      text        not null,
  priority         text        not null,
  title            text        not null,
  body             text        not null,
  html             text,
  status           text        not null default 'pending' constraint notification_status_is_known check (status in ('pending', 'sending', 'sent', 'skipped')),
  reason           text,
  attempts         smallint    not null default 0,
  created_at       timestamptz not null default slotbase.now(),
  sent_at          timestamptz,
  unknown_outcomes smallint    not null default 0,
  primary key (id, facility_id)
) with (toast_tuple_target = 256, fillfactor = 80);
create unique index notification_intended_once on slotbase.notifications (event_id, user_id, channel, template_id);
create index notifications_of_user on slotbase.notifications (user_id, created_at);
comment on table  slotbase.notifications is 'Each message meant for somebody: recorded before it is sent, so that an event never makes two of it.';
comment on column slotbase.notifications.html is 'The mail as HTML; null for other channels. Kept, so that a repetition sends the very same message.';
comment on column slotbase.notifications.status is 'sending: a send is under way or its outcome is unknown; skipped: see reason.';
comment on column slotbase.notifications.reason is 'Why it was skipped, or why the last attempt failed.';
comment on column slotbase.notifications.attempts is 'Sends that were begun; each is committed before the message leaves.';
comment on column slotbase.notifications.unknown_outcomes is 'Sends with an unknown outcome before the message was sent again. The message may have arrived so many times in addition.';

create table slotbase.mailbox (
  id          uuid        primary key,
  message_id  text        not null,
  sender      text        not null,
  recipients  text[]      not null,
  subject     text        not null,
  raw         text        not null,
  received_at timestamptz not null default slotbase.now()
);
create index mailbox_by_arrival on slotbase.mailbox (received_at);
comment on table slotbase.mailbox is 'The local mailbox: where mail goes while no SMTP server is configured.';

create table slotbase.daily_facility_figures (
  facility_id      uuid    not null references slotbase.facilities (id),
  day              date    not null,
  bookings         integer not null default 0,
  cancellations    integer not null default 0,
  check_ins        integer not null default 0,
  no_shows         integer not null default 0,
  completions      integer not null default 0,
  booked_minutes   bigint  not null default 0,
  booked_amount    bigint  not null default 0,
  payments_amount  bigint  not null default 0,
  refunds_amount   bigint  not null default 0,
  primary key (facility_id, day)
);
comment on table  slotbase.daily_facility_figures is 'The figures of a facility for each local day of play, kept by AnalyticsHandler.';
comment on column slotbase.daily_facility_figures.day is 'The local day on which the booked time starts (payments: on which they were made).';
comment on column slotbase.daily_facility_figures.booked_amount is 'Price of the confirmed bookings less that of the cancelled ones, minor units of the facility''s currency.';
