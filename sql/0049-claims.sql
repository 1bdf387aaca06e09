-- The claim of deliveries, as a function that is planned once on each connection. It is the statement that the program
-- sent before. Planning it takes some 11 ms, and PostgreSQL planned it five times on each connection.
--
-- The plan is kept, and may have been made while the queue was empty or full. So there is only one way to each table:
-- "offset 0" keeps a look-up a look-up, and the update goes by ctid. "skip locked" lets claimers pass each other. The
-- row of webhook_pace is locked for a webhook with a rate or a backlog only: then one claim at a time counts its
-- requests. A claim that finds the row locked leaves the webhook to a later claim.
--
-- Most claims are of webhooks without a rate, an order, a pause or a backlog, while no delivery is suspected of
-- crashing its process. Those take the short statement: half the time, and half the planning. A webhook that gets a
-- rate between the question and the claim has one claim more without it.
--
-- The backlog of a webhook that was switched on again begins with 10 requests a second. The rate doubles every 10 s, up
-- to 200 a second.
create function slotbase.claim_deliveries(claimer integer, wants json, total integer, may_quarantine boolean, due_first boolean)
returns table (
  webhook_id uuid, "position" bigint, replay smallint, event_id uuid, sequence bigint, failures smallint, unknowns smallint,
  lease bigint, aggregate_id text, attempt_id uuid, fresh boolean, quarantined boolean,
  claimed_version integer, places integer, held_until timestamptz, paused boolean,
  unarranged boolean
) language plpgsql set plan_cache_mode = force_generic_plan as $$
#variable_conflict use_column
begin
  if not exists (select from slotbase.delivery_queue where unknowns > 1)
     and not exists (
       select from json_to_recordset(wants) as d ("webhookId" uuid)
       cross join lateral (
         select rate_per_second is not null or ordered as counted from slotbase.webhooks where id = d."webhookId" offset 0
       ) w
       left join lateral (
         select catch_up_to is not null or paused_until is not null as held from slotbase.webhook_pace
         where webhook_id = d."webhookId" offset 0
       ) p on true
       where w.counted or p.held) then
    return query
    with t as materialized (
      select slotbase.now() as now
    ), others as materialized (
      select count(*) as processes from slotbase.processes
      where id <> claimer and alive_until > clock_timestamp() and delivers
    ), switched_on as materialized (
      select w.id, w.places, greatest(0, least(w.places * d.ahead, d.cap) - d.busy) as slots, d.after
      from json_to_recordset(wants) as d ("webhookId" uuid, after bigint, busy integer, ahead integer, cap integer)
      cross join lateral (
        select id, p.places
        from slotbase.webhooks
        cross join lateral (
          select case when (select processes from others) = 0 then max_concurrency
                      else coalesce(slotbase.webhook_places(id, max_concurrency, claimer), 0) end as places
          offset 0
        ) p
        where id = d."webhookId" and is_active and deleted_at is null
        offset 0
      ) w
      where exists (select from slotbase.processes where id = claimer and alive_until > clock_timestamp())
    ), candidates as materialized (
      select q.at, w.slots, row_number() over (partition by w.id order by q.nth, (q.kind = 'due') = due_first desc, q.kind) as rank
      from switched_on w
      cross join lateral (
        select at, 'due' as kind, row_number() over () as nth from (
          select ctid as at from slotbase.delivery_queue
          where webhook_id = w.id and ready_at is not null and ready_at <= (select now from t) and waits_for is null
            and lease is null and unknowns < 2
          order by ready_at limit w.slots for update skip locked) due
        union all
        select at, 'fresh', row_number() over () from (
          select ctid as at from slotbase.delivery_queue
          where webhook_id = w.id and position > w.after and ready_at is null and waits_for is null and lease is null
          order by position limit w.slots for update skip locked) fresh
      ) q
    ), claimed as (
      update slotbase.delivery_queue q
      set lease = nextval('slotbase.lease_seq'), owner = claimer, started_at = (select now from t),
          claimed_version = (select w.version from slotbase.webhooks w where w.id = q.webhook_id)
      where ctid = any (array(select at from candidates where rank <= slots limit total))
      returning webhook_id, position, replay, event_id, sequence, failures, unknowns, lease, aggregate_id,
                slotbase.derived_id(event_id, delivery_id::text || (attempts + 1)::text) as attempt_id, ready_at is null as fresh,
                claimed_version
    )
    select c.webhook_id, c.position, c.replay, c.event_id, c.sequence, c.failures, c.unknowns, c.lease, c.aggregate_id, c.attempt_id,
           c.fresh, false, c.claimed_version, o.places, null::timestamptz, false, false
    from claimed c join switched_on o on o.id = c.webhook_id
    order by c.webhook_id, c.position;
    return;
  end if;
  return query
  with t as materialized (
    select slotbase.now() as now
  ), wanted as (
    select * from json_to_recordset(wants)
      as w ("webhookId" uuid, after bigint, busy integer, ahead integer, cap integer)
  ), others as materialized (
    select count(*) as processes from slotbase.processes
    where id <> claimer and alive_until > clock_timestamp() and delivers
  ), switched_on as materialized (
    -- The webhooks that are switched on, with their free places. A process that no longer counts as alive claims
    -- nothing.
    select w.id, w.places, w.slots, w.rate, w.ordered, d.after, d.busy, coalesce(p.paused_until > t.now, false) as paused, p.paused_until,
           p.arranged_to, w.rate is not null or p.catch_up_to is not null as counted
    from wanted d
    cross join t
    cross join lateral (
      select id, rate_per_second::float8 as rate, ordered,
             p.places, greatest(0, least(p.places * d.ahead, d.cap) - d.busy) as slots
      from slotbase.webhooks
      cross join lateral (
        select case when (select processes from others) = 0 then max_concurrency
                    else coalesce(slotbase.webhook_places(id, max_concurrency, claimer), 0) end as places
        offset 0
      ) p
      where id = d."webhookId" and is_active and deleted_at is null
      offset 0
    ) w
    left join lateral (
      select paused_until, catch_up_to, arranged_to from slotbase.webhook_pace where webhook_id = w.id offset 0
    ) p on true
    where exists (select from slotbase.processes where id = claimer and alive_until > clock_timestamp())
  ), counting as materialized (
    select o.id, p.catch_up_to, o.rate - greatest(1, floor(o.rate / 10)) + 1 as refill, greatest(1, floor(o.rate / 10)) as burst,
           p.sent_until, least(200::float8,
             10::float8 * 2 ^ least(30, extract(epoch from t.now - p.resumed_at)::float8 / 10::float8)) as catch_rate,
           p.caught_until
    from switched_on o
    cross join t
    cross join lateral (
      select * from slotbase.webhook_pace where webhook_id = o.id and o.counted and not o.paused
      offset 0 for update skip locked
    ) p
  ), rates as materialized (
    -- The generic cell rate algorithm. A burst is a tenth of the rate, and what it adds is taken off the refill.
    -- So no second ever has more than the rate.
    select c.id, c.catch_up_to, c.refill, c.catch_rate,
           greatest(c.sent_until, t.now - c.burst / c.refill * interval '1 s') as sent_until,
           greatest(c.caught_until, t.now - interval '0.1 s' - interval '1 s' / c.catch_rate) as caught_until
    from counting c cross join t
  ), open_to as materialized (
    select o.id, o.busy, o.ordered, o.counted, r.catch_up_to, r.sent_until, r.refill, r.caught_until, r.catch_rate,
           case when o.paused or o.counted and r.id is null then 0
                when r.refill is null then o.slots
                else least(o.slots, greatest(0, floor(extract(epoch from t.now - r.sent_until)::float8 * r.refill + 1e-6)))::integer end as slots,
           case when r.catch_up_to is null then 0
                else greatest(0, floor(extract(epoch from t.now - r.caught_until)::float8 * r.catch_rate + 1e-6))::integer end as backlog,
           case when o.ordered then 0 else o.after end as after,
           case when o.ordered then coalesce(o.arranged_to, 0) else 9007199254740991 end as up_to,
           case when o.paused then o.paused_until when o.counted and r.id is null then t.now + interval '20 ms' end as held_until,
           o.paused, o.slots as free
    from switched_on o
    cross join t
    left join rates r on r.id = o.id
  ), suspects as materialized (
    -- Deliveries that were abandoned twice; their index holds nothing else.
    select ctid as at, webhook_id, ready_at, lease from slotbase.delivery_queue where unknowns > 1
  ), quarantined as materialized (
    -- The claim takes one suspect and nothing else. If the suspect crashes the process, no neighbour is claimed yet.
    -- A process sends at most one quarantined delivery at a time. A webhook without requests under way comes first,
    -- because the outcome at a webhook that hangs would be late.
    select q.at
    from (
      select s.at from suspects s join open_to w on w.id = s.webhook_id
      where w.slots > 0 and s.lease is null
        and s.ready_at <= (select now from t) and may_quarantine
      order by w.busy, s.ready_at offset 0
    ) s
    -- "lease is null" is checked again on a row that another process has just claimed.
    cross join lateral (
      select ctid as at from slotbase.delivery_queue where ctid = s.at and lease is null and unknowns > 1
      offset 0 for update skip locked
    ) q
    limit 1
  ), candidates as materialized (
    -- Without a suspect, per webhook: due deliveries, fresh ones above its position, and those of a backlog, each by
    -- its own index.
    select w.id, q.at, q.kind,
           row_number() over (partition by w.id order by q.nth, (q.kind = 'due') = due_first desc, q.kind) as rank
    from open_to w
    cross join lateral (
      select at, 'due' as kind, row_number() over () as nth from (
        select ctid as at from slotbase.delivery_queue
        where webhook_id = w.id and ready_at is not null and ready_at <= (select now from t) and waits_for is null
          and lease is null and unknowns < 2
        order by ready_at limit w.slots for update skip locked) due
      union all
      select at, 'fresh', row_number() over () from (
        select ctid as at from slotbase.delivery_queue
        where webhook_id = w.id and position > greatest(w.after, w.catch_up_to) and position <= w.up_to
          and ready_at is null and waits_for is null and lease is null
        order by position limit w.slots for update skip locked) fresh
      union all
      select at, 'old', row_number() over () from (
        select ctid as at from slotbase.delivery_queue
        where webhook_id = w.id and position <= least(w.catch_up_to, w.up_to) and w.catch_up_to is not null
          and ready_at is null and waits_for is null and lease is null
        order by position limit least(w.slots, w.backlog) for update skip locked) backlog
    ) q
    where not exists (select from quarantined)
  ), picked as materialized (
    select c.at, c.id, c.kind from candidates c join open_to w on w.id = c.id where c.rank <= w.slots limit total
  ), claimed as (
    -- The attempt, as started. Its id is the one that its header will carry.
    update slotbase.delivery_queue q
    set lease = nextval('slotbase.lease_seq'), owner = claimer, started_at = (select now from t),
        claimed_version = (select w.version from slotbase.webhooks w where w.id = q.webhook_id)
    where ctid = any (array(select at from quarantined union all select at from picked))
    returning webhook_id, position, replay, event_id, sequence, failures, unknowns, lease, aggregate_id,
              slotbase.derived_id(event_id, delivery_id::text || (attempts + 1)::text) as attempt_id, ready_at is null as fresh,
              unknowns > 1 as quarantined, claimed_version
  ), spent as (
    select w.id, w.slots, w.backlog, w.free, w.sent_until + (n.sent / w.refill) * interval '1 s' as sent_until,
           w.caught_until + (n.old / w.catch_rate) * interval '1 s' as caught_until, w.refill, w.catch_rate, w.catch_up_to,
           n.sent, n.old, n.found,
           w.backlog > 0 and w.slots > 0 and n.old_found = 0 and w.up_to >= w.catch_up_to and not exists (select from quarantined) as caught_up
    from open_to w
    cross join lateral (
      select (select count(*) from claimed c where c.webhook_id = w.id) as sent,
             (select count(*) from picked p where p.id = w.id and p.kind = 'old') as old,
             (select count(*) from candidates c where c.id = w.id) as found,
             (select count(*) from candidates c where c.id = w.id and c.kind = 'old') as old_found
    ) n
    where w.counted and w.held_until is null
  ), counted as (
    update slotbase.webhook_pace p
    set sent_until = coalesce(s.sent_until, p.sent_until), caught_until = case when s.caught_up then null else s.caught_until end,
        catch_up_to = case when not s.caught_up then p.catch_up_to end
    from spent s where p.webhook_id = s.id and (s.sent > 0 or s.caught_up)
  ), held as (
    -- When to look again: something else than the free places has cut the claim short.
    select id, held_until, paused, false as unarranged from open_to where held_until is not null
    union all
    select w.id, t.now, false, true from open_to w cross join t
    where w.ordered and w.slots > 0
      and exists (select from slotbase.delivery_queue q
                  where q.webhook_id = w.id and q.position > w.up_to and q.ready_at is null and q.waits_for is null and q.replay = 0)
    union all
    select id, least(case when slots < free and found >= slots then sent_until + interval '1 s' / refill end,
                     case when catch_up_to is not null and not caught_up and old >= least(slots, backlog)
                          then caught_until + interval '1 s' / catch_rate end), false, false
    from spent
  )
  select c.webhook_id, c.position, c.replay, c.event_id, c.sequence, c.failures, c.unknowns, c.lease, c.aggregate_id, c.attempt_id,
         c.fresh, c.quarantined, c.claimed_version, o.places, null::timestamptz as held_until, false as paused, false as unarranged
  from claimed c join switched_on o on o.id = c.webhook_id
  union all
  select id, null, null, null, null, null, null, null, null, null, null, null, null, null, held_until, paused, unarranged from held where held_until is not null
  order by webhook_id, position;
end $$;
comment on function slotbase.claim_deliveries(integer, json, integer, boolean, boolean) is
  'Claims deliveries for a process, and answers them with the webhooks that are held back.';
