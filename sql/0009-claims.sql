-- Claims of runs, a row per process and handler in place of a lease on every run. A run's row in the queue is now inserted
-- by dispatch and deleted when it is settled, and nothing else, as long as nothing fails. Measured beside the lease on the
-- row, five handlers that each insert a row: the claim fell from an update per run to one per batch.
-- Stop the actors of the older program before this file is applied.

create table slotbase.handler_claims (
  handler    text        not null,
  lease      bigint      not null,
  owner      bigint      not null,
  positions  bigint[]    not null,
  claimed_at timestamptz not null,
  primary key (handler, lease)
) with (fillfactor = 70, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_cost_delay = 0);
comment on table  slotbase.handler_claims is 'What is handled now: a row per batch, gone when all its runs are settled.';
comment on column slotbase.handler_claims.lease is 'Fencing token: whose claim is gone can no longer settle.';
comment on column slotbase.handler_claims.owner is 'The process (processes.id). When it is dead, its runs are taken over, each alone.';
comment on column slotbase.handler_claims.positions is 'Claimed and not settled yet.';

create or replace view slotbase.handler_runs as
select q.event_id, q.handler, q.facility_id, q.position,
       case when (q.handler, q.position) in (select c.handler, unnest(c.positions) from slotbase.handler_claims c) then 'running'
            when q.attempts > 0 then 'retrying' else 'pending' end as status,
       q.attempts, q.ready_at as next_retry_at, null::real as duration_ms, null::timestamptz as settled_at,
       q.errors -> -1 -> 'error' ->> 'message' as error, null::text as reason, q.errors
from slotbase.handler_queue q
union all
select h.event_id, h.handler, h.facility_id, h.position, h.status, h.attempts, null, h.duration_ms, h.settled_at,
       h.errors -> -1 -> 'error' ->> 'message', h.reason, h.errors
from slotbase.handler_history h;

alter table slotbase.handler_queue drop column lease, drop column owner;
comment on column slotbase.handler_queue.alone is 'Its batch was lost with its process: it is claimed by itself. If it is lost again, that was this event''s doing.';

-- Claims pass here one after the other per handler, so that no run is two people's and leases are drawn in the order in which
-- they become visible; the lock dies with the statement, so a process that is stopped holds nothing. What the same process
-- had claimed and not settled is free again, and fenced off.
--   since   no claim below it is left: rows that a long snapshot keeps from vacuum are not walked
--   head    the runs of every position up to it were visible to this claim
--   oldest  the "since" of the next claim
create function slotbase.claim_runs(
  for_handler text, by_owner bigint, above bigint, up_to bigint, batch integer, lone boolean, since bigint,
  out head bigint, out oldest bigint, out lease bigint, out runs slotbase.handler_queue[]
) language plpgsql set plan_cache_mode = force_generic_plan as $$
declare
  others bigint[];
begin
  runs   := '{}';
  oldest := since;
  -- A cheap look without a lock.
  select coalesce(max(p.position), 0) into head from slotbase.event_positions p;
  perform 1 from slotbase.handler_queue q
  where q.handler = for_handler and q.position > above and q.position <= up_to order by q.position limit 1;
  if not found then
    return;
  end if;
  perform pg_advisory_xact_lock(hashtext('slotbase claim'), hashtext(for_handler));
  delete from slotbase.handler_claims c where c.handler = for_handler and c.lease >= since and c.owner = by_owner;
  select coalesce(max(p.position), 0) into head from slotbase.event_positions p;
  select coalesce(array_agg(x.position) filter (where x.position is not null), '{}'), min(c.lease) into others, oldest
  from slotbase.handler_claims c
  left join lateral unnest(c.positions) as x (position) on true
  where c.handler = for_handler and c.lease >= since;
  runs := array(
    select q from slotbase.handler_queue q
    where q.handler = for_handler and q.position > above and q.position <= up_to and q.alone = lone
      and (lone or q.ready_at is null or q.ready_at <= (select slotbase.now()))
      and q.position <> all (others)
    order by q.position limit batch);
  if cardinality(runs) > 0 then
    lease := nextval('slotbase.lease_seq');
    insert into slotbase.handler_claims (handler, lease, owner, positions, claimed_at)
    values (for_handler, lease, by_owner, array(select r.position from unnest(runs) r), clock_timestamp());
  end if;
  oldest := coalesce(oldest, lease, since);
end $$;
comment on function slotbase.claim_runs(text, bigint, bigint, bigint, integer, boolean, bigint) is 'Claims a batch of a handler''s runs for a process.';

-- Takes its runs out of a claim; whose claim is gone has been taken over, and may change nothing.
create function slotbase.release_runs(for_handler text, by_lease bigint, settled bigint[]) returns void language plpgsql as $$
begin
  -- Nearly always the whole batch.
  delete from slotbase.handler_claims c where c.handler = for_handler and c.lease = by_lease and c.positions = settled;
  if found then
    return;
  end if;
  update slotbase.handler_claims c
  set positions = array(select p from unnest(c.positions) p where p <> all (settled))
  where c.handler = for_handler and c.lease = by_lease and c.positions && settled;
  if not found then
    raise exception '%: the claim % was taken over', for_handler, by_lease using errcode = 'SB001';
  end if;
end $$;
comment on function slotbase.release_runs(text, bigint, bigint[]) is 'Ends the claim of these runs; raises SB001 when it is somebody else''s now.';

-- Out of the queue and into the history, in the transaction of the effects. Of a set-based handler nearly always the whole batch
-- succeeded at once: then "statuses" is null and there is one duration, which costs half of naming the end of each run.
create function slotbase.settle_runs(
  for_handler text, by_lease bigint, settled bigint[], statuses text[], durations real[], reasons text[]
) returns void language plpgsql set enable_nestloop = off as $$
declare
  moved integer;
begin
  perform slotbase.release_runs(for_handler, by_lease, settled);
  if statuses is null then
    with gone as (
      delete from slotbase.handler_queue q
      where q.handler = for_handler and q.position = any (settled)
      returning q.position, q.event_id, q.facility_id, q.attempts, q.errors
    )
    insert into slotbase.handler_history (event_id, handler, facility_id, position, status, attempts, duration_ms, settled_at, errors)
    select g.event_id, for_handler, g.facility_id, g.position, 'success', g.attempts + 1, durations[1], t.now, g.errors
    from gone g
    cross join (select slotbase.now() as now) t;
  else
    with gone as (
      delete from slotbase.handler_queue q
      where q.handler = for_handler and q.position = any (settled)
      returning q.position, q.event_id, q.facility_id, q.attempts, q.errors
    )
    insert into slotbase.handler_history
      (event_id, handler, facility_id, position, status, attempts, duration_ms, settled_at, reason, errors)
    select g.event_id, for_handler, g.facility_id, g.position, e.status, g.attempts + 1, e.duration_ms, t.now, e.reason, g.errors
    from gone g
    join unnest(settled, statuses, durations, reasons) as e (position, status, duration_ms, reason) on e.position = g.position
    cross join (select slotbase.now() as now) t;
  end if;
  get diagnostics moved = row_count;
  if moved <> cardinality(settled) then
    raise exception '%: % of % runs were settled by somebody else', for_handler, cardinality(settled) - moved, cardinality(settled)
      using errcode = 'SB001';
  end if;
end $$;
comment on function slotbase.settle_runs(text, bigint, bigint[], text[], real[], text[]) is
  'Moves runs that ended into the history, in the transaction of their effects; raises SB001 when they are somebody else''s now.';

-- What dead processes held: each of these runs will be claimed alone, and one that was alone already has lost an attempt.
-- "own": also what the caller itself had claimed, because it began with it and could not settle it.
-- A claim whose owner is just settling, or was stopped in the middle of it, is left for the next look.
create function slotbase.take_over_runs(
  for_handler text, by_owner bigint, since bigint, max_retries integer, lost_message text, own boolean
) returns integer language plpgsql as $$
declare
  held bigint[];
  dead record;
begin
  for dead in
    select c.lease, c.positions from slotbase.handler_claims c
    where c.handler = for_handler and c.lease >= since
      and case when c.owner = by_owner then own
               else not exists (select from slotbase.processes p where p.id = c.owner and p.alive_until > clock_timestamp()) end
    order by c.lease for update of c skip locked
  loop
    held := held || dead.positions;
    delete from slotbase.handler_claims c where c.handler = for_handler and c.lease = dead.lease;
  end loop;
  update slotbase.handler_queue q
  set alone    = true,
      lost     = q.lost + 1,
      attempts = q.attempts + q.alone::integer,
      errors   = case when q.alone then coalesce(q.errors, '[]') || jsonb_build_object(
                   'eventId', q.event_id, 'handlerName', q.handler,
                   'eventType', (select p.type from slotbase.event_positions p where p.position = q.position),
                   'error', jsonb_build_object('message', lost_message, 'code', 'unknown_outcome'),
                   'attemptCount', q.attempts + 1, 'maxRetries', max_retries,
                   'status', case when q.attempts >= max_retries then 'dead_letter' else 'retrying' end)
                 else q.errors end
  where q.handler = for_handler and q.position = any (held);
  return coalesce(cardinality(held), 0);
end $$;
comment on function slotbase.take_over_runs(text, bigint, bigint, integer, text, boolean) is 'Frees what dead processes had claimed; answers how many runs that were.';

do $$
begin
  if exists (select from pg_roles where rolname = 'slotbase_reader') then
    grant select on slotbase.handler_claims to slotbase_reader;
  end if;
end $$;
