-- max_concurrency of a webhook holds over all processes. It held per process, so a receiver with one place got a
-- request from each. Now each live process has a share of the places.
alter table slotbase.processes
  add column delivers     boolean     not null default true,
  add column joined_at    timestamptz not null default clock_timestamp(),
  add column joined_lease bigint      not null default nextval('slotbase.lease_seq');
comment on column slotbase.processes.delivers is
  'False once it sends no more webhooks, because it is about to end: the others share its places at once.';
comment on column slotbase.processes.joined_at is
  'Real time: when the others began to share the places of the webhooks with it. Set again when it comes back after it had expired.';
comment on column slotbase.processes.joined_lease is
  'Leases below it were taken before the process joined: by shares that were larger.';

-- Each process computes its share by itself. The shares always add up to max_concurrency.
-- - The order of the processes is another one for each webhook, by a hash of both (rendezvous hashing). So webhooks
--   with one place are spread over the processes.
-- - When a process ends, no other share becomes smaller. So requests under way elsewhere never exceed the limit.
-- - When a process joins, other shares become smaller while larger ones are still in use. In its first 30 s the
--   process takes off what others hold of these. That is longer than a request with its claim lasts. Claims go from
--   the front of two indexes, so what they hold is there. A thousand rows at most are read, however long the queue is.
create function slotbase.webhook_places(webhook uuid, most integer, process bigint) returns integer
language sql stable as $$
  with alive as materialized (
    select id, joined_at, joined_lease, uuid_hash_extended(webhook, id) as hash from slotbase.processes
    where alive_until > clock_timestamp() and delivers
  ), own as (
    select a.id, a.joined_lease, a.joined_at > clock_timestamp() - interval '30 s' as is_new, n.processes,
           (most + n.processes - 1 - n.before) / n.processes as share
    from alive a
    cross join lateral (
      select count(*)::integer as processes, (count(*) filter (where (b.hash, b.id) < (a.hash, a.id)))::integer as before
      from alive b
    ) n
    where a.id = process
  )
  select case when own.is_new and own.processes > 1 and own.share > 0 then greatest(0, own.share - (
    select coalesce(sum(greatest(0, h.held - most / own.processes)), 0)
    from (
      select q.owner, count(*) as held
      from (
        (select owner, lease from slotbase.delivery_queue
         where webhook_id = webhook and ready_at is null and waits_for is null order by position limit 500)
        union all
        (select owner, lease from slotbase.delivery_queue
         where webhook_id = webhook and ready_at is not null and waits_for is null order by ready_at limit 500)
      ) q
      where q.lease < own.joined_lease and q.owner <> own.id
      group by q.owner
    ) h
  ))::integer else own.share end
  from own
$$;
comment on function slotbase.webhook_places(uuid, integer, bigint) is
  'How many requests to the webhook the process may have under way: its share of max_concurrency. Null when it delivers nothing.';

comment on column slotbase.webhooks.max_concurrency is 'Requests to this webhook under way at once, of all processes together.';

-- The view says the same. Its text is taken from the database, so that everything else in it stays.
do $$ begin
  execute 'create or replace view slotbase.late_events as '
    || replace(pg_get_viewdef('slotbase.late_events'::regclass), '(at most %s per process)', '(at most %s)');
end $$;
