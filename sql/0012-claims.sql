-- The steps of a run: it is claimed, returned, settled or reclaimed. Each step is a function, so a process that is
-- stopped during a step holds nothing. A claim's lease is the fencing token. A settlement whose claim is gone raises
-- SB001 and changes nothing.

-- Makes rows of runs that had none.
create function slotbase.queue_runs(for_handler text, fresh bigint[]) returns void
language sql set enable_seqscan = off as $$
  insert into slotbase.handler_queue (handler, position, facility_id, event_id)
  select for_handler, p.position, p.facility_id, p.event_id from slotbase.event_positions p where p.position = any (fresh)
  on conflict (handler, position) do nothing
$$;
comment on function slotbase.queue_runs(text, bigint[]) is 'Puts claimed runs of the log into the queue, because they are not settled with their batch.';

-- Runs that the same process had claimed and not settled are free again, and fenced off. The answer is the oldest claim
-- left.
create function slotbase.free_own_claims(for_handler text, by_owner bigint, since bigint) returns bigint language plpgsql as $$
declare
  own slotbase.handler_claims;
begin
  for own in
    delete from slotbase.handler_claims c where c.handler = for_handler and c.lease >= since and c.owner = by_owner returning *
  loop
    if own.fresh then
      perform slotbase.queue_runs(for_handler, own.positions);
    end if;
  end loop;
  return (select min(c.lease) from slotbase.handler_claims c where c.handler = for_handler and c.lease >= since);
end $$;
comment on function slotbase.free_own_claims(text, bigint, bigint) is 'Frees what a process had claimed of a handler and not settled.';

create function slotbase.move_cursor(for_handler text, old bigint, new bigint) returns void language plpgsql as $$
begin
  insert into slotbase.handler_cursors (handler, next) values (for_handler, new);
  delete from slotbase.handler_cursors c where c.handler = for_handler and c.next = old;
end $$;
comment on function slotbase.move_cursor(text, bigint, bigint) is 'Moves the cursor of a handler from a position (null: it had none) to a later one. Its claims must be locked.';

-- The claims of a handler take this lock one after the other. So no run belongs to two claims, and leases are drawn in
-- the order in which they become visible. The statement's end releases the lock, so a process that is stopped holds
-- nothing.
--   since    no claim is left below it, so rows that a long snapshot keeps from vacuum are not read
--   oldest   the "since" of the next claim
--   more     the log may hold more fresh runs
create function slotbase.claim_fresh_runs(
  for_handler text, by_owner bigint, batch integer, since bigint,
  out oldest bigint, out more boolean, out lease bigint, out positions bigint[], out event_ids uuid[]
) language plpgsql set plan_cache_mode = force_generic_plan set enable_seqscan = off as $$
declare
  top      bigint;
  old      bigint;
  at       bigint;
  types    text[];
  changing boolean;
  wanted   integer;
  seen     integer;
  last     bigint;
  found_at bigint[];
  found_id uuid[];
begin
  oldest    := since;
  more      := false;
  positions := '{}';
  event_ids := '{}';
  -- A cheap check without a lock. Events that are dispatched after it are left for the next claim. A dispatch may
  -- change subscriptions, so subscriptions must be read after the log's end. Every statement here sees what was
  -- committed before it.
  at  := slotbase.cursor_of(for_handler);
  top := (select max(p.position) from slotbase.event_positions p);
  if top is null or top < at then
    perform 1 from slotbase.handler_claims c where c.handler = for_handler and c.lease >= since and c.owner = by_owner limit 1;
    if not found then
      return;
    end if;
  end if;
  perform pg_advisory_xact_lock(hashtext('slotbase claim'), hashtext(for_handler));
  oldest := slotbase.free_own_claims(for_handler, by_owner, since);
  old := slotbase.cursor_of(for_handler);
  at  := coalesce(old, (select min(h.from_position) from slotbase.handlers h where h.handler = for_handler));
  -- Nearly always a handler has been subscribed to the same types all along. Then the subscriptions of single positions
  -- need not be checked.
  select array_agg(distinct h.event_type), bool_or(h.from_position > at or h.until_position is not null) into types, changing
  from slotbase.handlers h
  where h.handler = for_handler and h.from_position is not null and (h.until_position is null or h.until_position > at);
  if at is not null and types is not null then
    -- A stretch of the log without its types is passed over, up to a limit.
    for turn in 1..20 loop
      wanted := batch - cardinality(positions);
      select array_agg(s.position order by s.position) filter (where s.subscribed),
             array_agg(s.event_id order by s.position) filter (where s.subscribed), count(*), max(s.position)
      into found_at, found_id, seen, last
      from (
        select p.position, p.event_id,
               p.type = any (types) and (not changing
                 or exists (select from slotbase.handlers h
                            where h.handler = for_handler and h.event_type = p.type and h.from_position <= p.position
                              and (h.until_position is null or p.position < h.until_position))) as subscribed
        from slotbase.event_positions p where p.position between at and top order by p.position limit batch
      ) s;
      exit when seen = 0;
      positions := positions || coalesce(found_at[:wanted], '{}');
      event_ids := event_ids || coalesce(found_id[:wanted], '{}');
      at        := case when cardinality(found_at) > wanted then found_at[wanted] else last end + 1;
      more      := seen = batch or cardinality(found_at) > wanted;
      exit when not more or cardinality(positions) = batch;
    end loop;
    if at is distinct from old then
      perform slotbase.move_cursor(for_handler, old, at);
    end if;
  end if;
  if cardinality(positions) > 0 then
    lease := nextval('slotbase.lease_seq');
    insert into slotbase.handler_claims (handler, lease, owner, positions, claimed_at, fresh)
    values (for_handler, lease, by_owner, positions, clock_timestamp(), true);
  end if;
  oldest := coalesce(oldest, lease, since);
end $$;
comment on function slotbase.claim_fresh_runs(text, bigint, integer, bigint) is 'Claims the next batch of a handler''s runs from the log for a process.';

create function slotbase.claim_queued_runs(
  for_handler text, by_owner bigint, batch integer, quarantined boolean, since bigint,
  out oldest bigint, out lease bigint, out runs slotbase.handler_queue[]
) language plpgsql set plan_cache_mode = force_generic_plan as $$
declare
  others bigint[];
begin
  runs   := '{}';
  oldest := since;
  -- A cheap check without a lock.
  perform 1 from slotbase.handler_queue q where q.handler = for_handler and (q.alone or not quarantined) limit 1;
  if not found then
    return;
  end if;
  perform pg_advisory_xact_lock(hashtext('slotbase claim'), hashtext(for_handler));
  oldest := slotbase.free_own_claims(for_handler, by_owner, since);
  select coalesce(array_agg(x.position), '{}') into others
  from slotbase.handler_claims c
  cross join lateral unnest(c.positions) as x (position)
  where c.handler = for_handler and c.lease >= since and not c.fresh;
  if quarantined then
    runs := array(
      select q from slotbase.handler_queue q
      where q.handler = for_handler and q.alone and q.position <> all (others)
      order by q.position limit batch);
  else
    runs := array(
      select q from slotbase.handler_queue q
      where q.handler = for_handler and not q.alone
        and (q.ready_at is null or q.ready_at <= (select slotbase.now()))
        and q.position <> all (others)
      order by q.position limit batch);
  end if;
  if cardinality(runs) > 0 then
    lease := nextval('slotbase.lease_seq');
    insert into slotbase.handler_claims (handler, lease, owner, positions, claimed_at)
    values (for_handler, lease, by_owner, array(select r.position from unnest(runs) r), clock_timestamp());
  end if;
  oldest := coalesce(oldest, lease, since);
end $$;
comment on function slotbase.claim_queued_runs(text, bigint, integer, boolean, bigint) is 'Claims a batch of a handler''s runs from the queue for a process: due runs, or quarantined runs.';

create function slotbase.return_runs(for_handler text, by_lease bigint, unsettled bigint[]) returns void language plpgsql as $$
declare
  own slotbase.handler_claims;
begin
  select * into own from slotbase.handler_claims c where c.handler = for_handler and c.lease = by_lease for update;
  if not found then
    return;
  end if;
  if own.fresh then
    perform slotbase.queue_runs(for_handler, array(select p from unnest(own.positions) p where p = any (unsettled)));
  end if;
  update slotbase.handler_claims c
  set positions = array(select p from unnest(own.positions) p where p <> all (unsettled))
  where c.handler = for_handler and c.lease = by_lease;
end $$;
comment on function slotbase.return_runs(text, bigint, bigint[]) is 'Frees these runs of a claim, untouched; runs that other processes have reclaimed stay theirs.';

-- Takes runs out of their claim, and answers whether they are fresh. A missing claim was taken over, and may change
-- nothing.
create function slotbase.release_runs(for_handler text, by_lease bigint, settled bigint[], out fresh boolean) language plpgsql as $$
begin
  -- Nearly always the whole batch.
  delete from slotbase.handler_claims c where c.handler = for_handler and c.lease = by_lease and c.positions = settled
  returning c.fresh into fresh;
  if found then
    return;
  end if;
  update slotbase.handler_claims c
  set positions = array(select p from unnest(c.positions) p where p <> all (settled))
  where c.handler = for_handler and c.lease = by_lease and c.positions @> settled
  returning c.fresh into fresh;
  if not found then
    raise exception '%: the claim % was taken over', for_handler, by_lease using errcode = 'SB001';
  end if;
end $$;
comment on function slotbase.release_runs(text, bigint, bigint[]) is 'Ends the claim of these runs; raises SB001 when another process has it now.';

create function slotbase.release_failed_run(for_handler text, by_lease bigint, failed bigint) returns void language plpgsql as $$
begin
  if slotbase.release_runs(for_handler, by_lease, array[failed]) then
    perform slotbase.queue_runs(for_handler, array[failed]);
  end if;
end $$;
comment on function slotbase.release_failed_run(text, bigint, bigint) is 'Ends the claim of a run that failed, and sees that it has a row in the queue; raises SB001 like release_runs().';

-- Moves runs out of the claim and into the history, in the transaction of the effects. When all succeeded at once,
-- "statuses" is null and there is one duration.
create function slotbase.settle_runs(
  for_handler text, by_lease bigint, settled bigint[], statuses text[], durations real[], reasons text[]
) returns void language plpgsql set enable_nestloop = off set enable_seqscan = off as $$
declare
  runs constant integer := cardinality(settled);
  moved integer;
begin
  if slotbase.release_runs(for_handler, by_lease, settled) then
    insert into slotbase.handler_history
      (event_id, handler, facility_id, position, status, attempts, duration_ms, settled_at, reason)
    select p.event_id, for_handler, p.facility_id, p.position, coalesce(e.status, 'success'), 1,
           coalesce(e.duration_ms, durations[1]), t.now, e.reason
    from slotbase.event_positions p
    join unnest(settled, statuses, durations, reasons) as e (position, status, duration_ms, reason) on e.position = p.position
    cross join (select slotbase.now() as now) t
    where p.position = any (settled);
  else
    with gone as (
      delete from slotbase.handler_queue q
      where q.handler = for_handler and q.position = any (settled)
      returning q.position, q.event_id, q.facility_id, q.attempts, q.errors
    )
    insert into slotbase.handler_history
      (event_id, handler, facility_id, position, status, attempts, duration_ms, settled_at, reason, errors)
    select g.event_id, for_handler, g.facility_id, g.position, coalesce(e.status, 'success'), g.attempts + 1,
           coalesce(e.duration_ms, durations[1]), t.now, e.reason, g.errors
    from gone g
    join unnest(settled, statuses, durations, reasons) as e (position, status, duration_ms, reason) on e.position = g.position
    cross join (select slotbase.now() as now) t;
  end if;
  get diagnostics moved = row_count;
  if moved <> runs then
    raise exception '%: % of % runs were settled by somebody else', for_handler, runs - moved, runs using errcode = 'SB001';
  end if;
end $$;
comment on function slotbase.settle_runs(text, bigint, bigint[], text[], real[], text[]) is
  'Moves runs that ended into the history, in the transaction of their effects; raises SB001 when they are somebody else''s now.';

-- Settles a whole claim that succeeded at once. Fresh runs become one row. A few runs get a row each, because a batch
-- costs more in the index.
create function slotbase.settle_claim(for_handler text, by_lease bigint, runs integer, duration_ms real) returns void
language plpgsql as $$
declare
  fewest constant integer := 8;
  claim slotbase.handler_claims;
begin
  delete from slotbase.handler_claims c where c.handler = for_handler and c.lease = by_lease and c.fresh
    and cardinality(c.positions) = settle_claim.runs and settle_claim.runs >= fewest
  returning * into claim;
  if not found then
    select * into claim from slotbase.handler_claims c where c.handler = for_handler and c.lease = by_lease;
    if cardinality(claim.positions) is distinct from settle_claim.runs then
      raise exception '%: the claim % was taken over', for_handler, by_lease using errcode = 'SB001';
    end if;
    perform slotbase.settle_runs(for_handler, by_lease, claim.positions, null, array[duration_ms], null);
    return;
  end if;
  insert into slotbase.handler_batches (handler, positions, runs, duration_ms, settled_at)
  values (for_handler,
          case when claim.positions[runs] - claim.positions[1] + 1 = runs
               then int8multirange(int8range(claim.positions[1], claim.positions[runs], '[]'))
               else (select range_agg(int8range(p, p, '[]')) from unnest(claim.positions) p) end,
          runs, duration_ms, slotbase.now());
end $$;
comment on function slotbase.settle_claim(text, bigint, integer, real) is
  'Moves all runs of a claim, which must be so many, into the history as succeeded; raises SB001 when another process has it now.';

-- Frees the abandoned runs of expired processes. "own" also frees the caller's own runs: the caller began with them and
-- could not settle them. A claim is left for the next scan if its owner is settling, or was stopped while settling. A
-- run from the log gets its row first. Runs that were abandoned once are tried together once more. Only runs that were
-- abandoned twice are claimed by themselves, for two reasons:
-- - Most processes end for their own reasons: a deployment, a kill, a full machine.
-- - Handling a batch of a hundred runs one by one took seconds, most of all where each run sends a mail.
--
-- The price is one more crashed process until such an event is found. Some handlers must never try a run again
-- (max_retries = 0). Such a run is claimed by itself after its first crash, and becomes a dead letter.
create function slotbase.reclaim_runs(
  for_handler text, by_owner bigint, since bigint, max_retries integer, abandoned_message text, own boolean
) returns integer language plpgsql as $$
declare
  held bigint[];
  dead record;
begin
  for dead in
    select c.lease, c.positions, c.fresh from slotbase.handler_claims c
    where c.handler = for_handler and c.lease >= since
      and case when c.owner = by_owner then own
               else not exists (select from slotbase.processes p where p.id = c.owner and p.alive_until > clock_timestamp()) end
    order by c.lease for update of c skip locked
  loop
    held := held || dead.positions;
    delete from slotbase.handler_claims c where c.handler = for_handler and c.lease = dead.lease;
    if dead.fresh then
      perform slotbase.queue_runs(for_handler, dead.positions);
    end if;
  end loop;
  update slotbase.handler_queue q
  set alone    = q.alone or q.lost > 0 or max_retries = 0,
      lost     = q.lost + 1,
      attempts = q.attempts + q.alone::integer,
      errors   = case when q.alone then coalesce(q.errors, '[]') || jsonb_build_object(
                   'eventId', q.event_id, 'handlerName', q.handler,
                   'eventType', (select p.type from slotbase.event_positions p where p.position = q.position),
                   'error', jsonb_build_object('message', abandoned_message, 'code', 'unknown_outcome'),
                   'attemptCount', q.attempts + 1, 'maxRetries', max_retries,
                   'status', case when q.attempts >= max_retries then 'dead_letter' else 'retrying' end)
                 else q.errors end
  where q.handler = for_handler and q.position = any (held);
  return coalesce(cardinality(held), 0);
end $$;
comment on function slotbase.reclaim_runs(text, bigint, bigint, integer, text, boolean) is 'Frees the runs that expired processes had claimed; answers how many runs that were.';

-- Before retention dead-letters the runs of a month, each run without a row gets one, claimed or not. The claimer then
-- finds that its runs are rows of the queue, and that they are gone.
create function slotbase.queue_runs_of(of_month date) returns void language plpgsql set enable_seqscan = off as $$
declare
  last   bigint;
  one    record;
  old    bigint;
  at     bigint;
  begins uuid := slotbase.month_begins(of_month);
  ends   uuid := slotbase.month_ends(of_month);
begin
  select max(p.position) into last from slotbase.event_positions p where p.event_id >= begins and p.event_id < ends;
  if last is null then
    return;
  end if;
  for one in select distinct h.handler from slotbase.handlers h where h.from_position is not null order by h.handler loop
    perform pg_advisory_xact_lock(hashtext('slotbase claim'), hashtext(one.handler));
    old := slotbase.cursor_of(one.handler);
    at  := coalesce(old, (select min(h.from_position) from slotbase.handlers h where h.handler = one.handler));
    if at <= last then
      insert into slotbase.handler_queue (handler, position, facility_id, event_id)
      select one.handler, p.position, p.facility_id, p.event_id
      from slotbase.event_positions p
      where p.position between at and last
        and exists (select from slotbase.handlers h
                    where h.handler = one.handler and h.event_type = p.type and h.from_position <= p.position
                      and (h.until_position is null or p.position < h.until_position))
      on conflict (handler, position) do nothing;
      perform slotbase.move_cursor(one.handler, old, last + 1);
    end if;
  end loop;
  for one in
    select c.handler, c.lease, c.positions from slotbase.handler_claims c
    where c.fresh and exists (select from unnest(c.positions) x (position) where x.position <= last)
    order by c.handler, c.lease for update
  loop
    perform slotbase.queue_runs(one.handler, one.positions);
    update slotbase.handler_claims c set fresh = false where c.handler = one.handler and c.lease = one.lease;
  end loop;
end $$;
comment on function slotbase.queue_runs_of(date) is 'Gives a row in the queue to each unfinished run of a month.';
