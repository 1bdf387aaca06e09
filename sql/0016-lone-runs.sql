-- What was lost with its process is looked for once a second, whatever a long snapshot keeps from vacuum: the runs that must be
-- claimed alone have an index of their own, which is nearly always empty. Before, they were looked for as seldom as the rest
-- below the floor when that took long, and on a busy machine the last of them waited for seconds.

create index handler_queue_alone on slotbase.handler_queue (handler, position) where alone;

create or replace function slotbase.claim_runs(
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
  if lone then
    perform 1 from slotbase.handler_queue q where q.handler = for_handler and q.alone and q.position <= up_to limit 1;
  else
    perform 1 from slotbase.handler_queue q
    where q.handler = for_handler and q.position > above and q.position <= up_to order by q.position limit 1;
  end if;
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
  if lone then
    runs := array(
      select q from slotbase.handler_queue q
      where q.handler = for_handler and q.alone and q.position <= up_to and q.position <> all (others)
      order by q.position limit batch);
  else
    runs := array(
      select q from slotbase.handler_queue q
      where q.handler = for_handler and q.position > above and q.position <= up_to and not q.alone
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
