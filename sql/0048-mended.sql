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
