-- What was lost with its process is tried together once more, and only what was lost twice is claimed alone. Nearly every
-- process that dies dies of itself (a deployment, a kill, a full machine): its batch of a hundred runs, handled one by one by
-- whoever took over, took seconds, most of all where each run sends a mail. An event that kills its process costs one
-- process more until it is found out. What an external handler must never try again by itself stays what it was: lost once, it is buried.

create or replace function slotbase.take_over_runs(
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
  set alone    = q.alone or q.lost > 0 or max_retries = 0,
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
comment on column slotbase.handler_queue.alone is 'It was lost twice, or once where nothing is tried again by itself: it is claimed by itself. If it is lost then, that was this event''s doing.';
comment on column slotbase.handler_queue.lost is 'How often it was claimed and not settled, because its process died or nobody knows its outcome.';
comment on column slotbase.handler_claims.owner is 'The process (processes.id). When it is dead, its runs are freed: to be tried together once more, then each alone.';
