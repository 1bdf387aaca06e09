-- Numbers of a webhook's configuration are kept as they were given. Four bytes made 0.33333334 of a rate of 1/3. Its
-- lower limit, 0.01, was below the constraint then: such a webhook was an internal error instead of a webhook.
-- By way of their text, the old ones stay what people see: 0.1 and not 0.10000000149.
alter table slotbase.webhooks alter column rate_per_second type double precision using rate_per_second::text::double precision;

drop view slotbase.webhook_endpoints;
alter table slotbase.webhooks alter column backoff_multiplier type double precision using backoff_multiplier::text::double precision;

create view slotbase.webhook_endpoints as
select id, facility_id, name, description, slotbase.shown_url(url) as url, method, auth_type, events, resource_ids, booking_types,
       max_retries, retry_delay_ms, backoff_multiplier, max_concurrency, is_active, disabled_reason, created_by, created_at,
       updated_at, deleted_at
from slotbase.webhooks;
comment on view slotbase.webhook_endpoints is 'The webhooks as the reader''s role sees them: without credentials, and without the secret part of the address.';
comment on column slotbase.webhook_endpoints.url is 'Scheme, host, and a fingerprint of the rest, which may be a secret.';

do $$
begin
  if exists (select from pg_roles where rolname = 'slotbase_reader') then
    grant select on slotbase.webhook_endpoints to slotbase_reader;
  end if;
end $$;

-- The delivery that a receiver answered with Retry-After is due when the pause ends. When people ended the pause by
-- hand, the others were sent, and this one a day later. In an ordered webhook the rest of its aggregate waited behind
-- it. Replays that were not sent yet keep the instants of their rate.
create function slotbase.end_pause(of_webhook uuid, of_facility uuid) returns void language plpgsql as $$
declare
  present timestamptz := slotbase.now();
  until   timestamptz;
begin
  select paused_until into until from slotbase.webhook_pace
  where webhook_id = of_webhook and facility_id = of_facility and paused_until > present for update;
  if not found then
    return;
  end if;
  update slotbase.webhook_pace set paused_at = null, paused_until = null, pause_status = null
  where webhook_id = of_webhook and facility_id = of_facility;
  update slotbase.delivery_queue q set ready_at = present
  from (
    select webhook_id, position, replay from slotbase.delivery_queue
    where webhook_id = of_webhook and ready_at > present and ready_at <= until and waits_for is null and lease is null
      and failing_since is not null
    order by position, replay for update skip locked
  ) due
  where q.webhook_id = due.webhook_id and q.position = due.position and q.replay = due.replay;
end $$;
comment on function slotbase.end_pause(uuid, uuid) is 'Ends a pause that the receiver asked for, also for the deliveries that it was asked for. The caller has locked the webhook.';

-- The function of 0039, with the end of the pause above.
create or replace function slotbase.resume_webhook(of_webhook uuid, of_facility uuid) returns void language plpgsql as $$
declare
  present timestamptz := slotbase.now();
begin
  perform slotbase.end_pause(of_webhook, of_facility);
  insert into slotbase.webhook_pace as p (webhook_id, facility_id, resumed_at, catch_up_to)
  values (of_webhook, of_facility, present, (select coalesce(max(position), 0) from slotbase.event_positions))
  on conflict (webhook_id) do update
  set resumed_at = excluded.resumed_at, catch_up_to = excluded.catch_up_to, caught_until = null,
      paused_at = null, paused_until = null, pause_status = null;
  perform slotbase.release_deliveries(of_webhook, 3);
end $$;
