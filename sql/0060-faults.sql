-- Messages under faults. A message that was given up after sends without an outcome, and begun anew by reprocessing,
-- forgot those sends. So a possible repeat was no longer visible. And an event whose messages nobody can write kept its
-- facility's backlog waiting for ever.

alter table slotbase.notifications add column unknown_before smallint not null default 0;
comment on column slotbase.notifications.unknown_before is 'Of unknown_outcomes, those before the message was begun anew. Only the later ones count towards giving it up.';

-- As before (0050-messages.sql), but:
-- - The least gap that a service asks for (Retry-After) has no jitter. With jitter a message came before its time.
-- - The send that makes a message fail may have arrived too, and is counted.
-- - Outcomes from before the message was begun anew do not make it fail.
create or replace function slotbase.settle_unsent(ends json)
returns table (id uuid, facility_id uuid, event_id uuid, channel text, reason text)
rows 20 language sql set enable_seqscan = off as $$
  with e as materialized (
    select x.*, t.now from (select slotbase.now() as now) t
    cross join json_to_recordset(ends) as x (
      id uuid, facility_id uuid, lease bigint, how text, reason text, known boolean, permanent boolean, least_ms float8, random float8)
  ), held as materialized (
    select e.*, coalesce(n.deferred_since, e.now) as since,
           n.unknown_outcomes - n.unknown_before as unknowns, q.ctid as at
    from e
    join slotbase.message_queue q on q.id = e.id and q.facility_id = e.facility_id and q.lease = e.lease
    join slotbase.notifications n on n.id = e.id and n.facility_id = e.facility_id
    for update of q
  ), decided as materialized (
    select h.*,
           case when h.how <> 'deferred' then h.how
                when h.now - h.since >= case when h.permanent then interval '1 minute' else interval '5 days' end
                  or (not h.known and h.unknowns >= 4) then 'failed'
                else 'deferred' end as becomes,
           h.now + greatest(
             h.least_ms * interval '1 ms',
             (0.8 + 0.4 * h.random) * greatest(case when h.known then interval '1 second' else interval '1 minute' end,
                                               least(interval '4 hours', h.now - h.since))) as next_try
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
        unknown_outcomes = n.unknown_outcomes + (d.becomes = 'failed' and not d.known)::integer,
        deferred_since = case when d.becomes in ('deferred', 'failed') then d.since end,
        next_try_at    = case when d.becomes = 'deferred' then d.next_try end
    from decided d
    where n.id = d.id and n.facility_id = d.facility_id
    returning n.id, n.facility_id, n.event_id, n.channel, n.reason, d.becomes
  )
  select n.id, n.facility_id, n.event_id, n.channel, n.reason from noted n where n.becomes = 'failed'
$$;

-- A turn of the backlog is claimed before its messages are written, as other work is. So a turn that ends its process
-- is seen. After two turns without an end their events are written one by one. An event that has failed five times is a
-- dead letter.
alter table slotbase.message_backlog add column owner bigint, add column turns smallint not null default 0;
comment on column slotbase.message_backlog.owner is 'The process whose turn it is in (processes.id), while that lives; null: no turn has begun.';
comment on column slotbase.message_backlog.turns is 'How many turns were begun with it. After two it has turns by itself, and after five it is given up.';

do $$ begin
  if exists (select from pg_roles where rolname = 'slotbase_reader') then
    grant select on slotbase.notifications, slotbase.message_backlog to slotbase_reader;
  end if;
end $$;
