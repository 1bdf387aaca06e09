-- The address of a webhook often is a secret: many receivers have no other credential than a token in the path or in
-- the query. So the reader's role sees where a webhook goes, and not the whole address. The views show the scheme and
-- the host, and a fingerprint of the rest, by which two addresses can be told apart. The program reads the tables.

create function slotbase.shown_url(url text) returns text
language sql immutable strict parallel safe as $$
  select case when p.origin is null then '…' || f.print
              when p.rest in ('', '/') then p.origin || p.rest
              else p.origin || '/…' || f.print end
  from (select substring(url from '^([A-Za-z][A-Za-z0-9+.-]*://)') || substring(url from '^[A-Za-z][A-Za-z0-9+.-]*://(?:[^/?#@]*@)?([^/?#@]*)') as origin,
               substring(url from '^[A-Za-z][A-Za-z0-9+.-]*://[^/?#]*(.*)$') as rest) p
  cross join (select left(encode(sha256(convert_to(url, 'UTF8')), 'hex'), 8) as print) f
$$;
comment on function slotbase.shown_url(text) is 'An address without what may be secret in it: scheme, host and port, and eight digits of the SHA-256 of the whole. Without a path and a query it stays whole.';

-- Many servers name the path in their answer to a request that they do not know ("Cannot POST /hook/…"). Parts of fewer
-- than eight characters are words rather than secrets.
create function slotbase.without_address(answer text, url text) returns text
language plpgsql immutable parallel safe as $$
declare
  part text;
begin
  for part in select p from regexp_split_to_table(substring(url from '^[A-Za-z][A-Za-z0-9+.-]*://[^/?#]*(.*)$'), '[/?&=#]') p
              where length(p) >= 8 order by length(p) desc loop
    answer := replace(answer, part, '…');
  end loop;
  return answer;
end $$;
comment on function slotbase.without_address(text, text) is 'A receiver''s answer without the parts of the address that may be secret: path segments and values of the query, from eight characters on.';

create or replace view slotbase.webhook_attempts as
select event_id, delivery_id, attempt, id, facility_id, webhook_id, slotbase.shown_url(url) as url, method, started_at, sent_at, outcome,
       duration_ms, signature, response_status, slotbase.without_address(response_headers::text, url)::jsonb as response_headers,
       slotbase.without_address(response_body, url) as response_body, error_message
from slotbase.attempt_history
union all
select q.event_id, q.delivery_id, (q.attempts + 1)::smallint,
       slotbase.derived_id(q.event_id, q.delivery_id::text || (q.attempts + 1)::text),
       q.facility_id, q.webhook_id, slotbase.shown_url(w.url), w.method, q.started_at, null, 'started', null, null, null, null, null, null
from slotbase.delivery_queue q
join slotbase.webhooks w on w.id = q.webhook_id and w.facility_id = q.facility_id
where q.lease is not null;
comment on column slotbase.webhook_attempts.url is 'Scheme, host, and a fingerprint of the rest, which may be a secret.';

create or replace view slotbase.webhook_deliveries as
select d.delivery_id as id, d.webhook_id, d.facility_id, d.event_id, e.type as event_type, d.position, d.sequence, d.replay,
       slotbase.shown_url(w.url) as url, w.method, d.status, d.attempts as attempt_count,
       coalesce(a.first_attempt_at, d.started_at) as first_attempt_at,
       coalesce(d.started_at, l.started_at) as last_attempt_at, d.next_retry_at,
       l.response_status, slotbase.without_address(l.response_body, l.url) as response_body,
       slotbase.without_address(l.response_headers::text, l.url)::jsonb as response_headers, l.duration_ms,
       coalesce(d.error_message, l.error_message) as error_message,
       slotbase.event_body(e) as payload, d.settled_at
from (
  select delivery_id, webhook_id, facility_id, event_id, position, sequence, replay,
         case when attempts > 0 or unknowns > 0 then 'retrying' else 'pending' end as status,
         attempts, ready_at as next_retry_at, null::text as error_message, null::timestamptz as settled_at, started_at
  from slotbase.delivery_queue
  union all
  select delivery_id, webhook_id, facility_id, event_id, position, sequence, replay, status, attempts, null, error_message, settled_at, null
  from slotbase.delivery_history
) d
join slotbase.webhooks w on w.id = d.webhook_id and w.facility_id = d.facility_id
left join slotbase.events e on e.id = d.event_id and e.facility_id = d.facility_id
left join lateral (select min(started_at) as first_attempt_at from slotbase.attempt_history
                   where event_id = d.event_id and delivery_id = d.delivery_id) a on true
left join lateral (select * from slotbase.attempt_history
                   where event_id = d.event_id and delivery_id = d.delivery_id and d.started_at is null
                   order by attempt desc limit 1) l on true;
comment on column slotbase.webhook_deliveries.url is 'Scheme, host, and a fingerprint of the rest, which may be a secret.';

create view slotbase.webhook_endpoints as
select id, facility_id, name, description, slotbase.shown_url(url) as url, method, auth_type, events, resource_ids, booking_types,
       max_retries, retry_delay_ms, backoff_multiplier, max_concurrency, is_active, disabled_reason, created_by, created_at,
       updated_at, deleted_at
from slotbase.webhooks;
comment on view slotbase.webhook_endpoints is 'The webhooks as the reader''s role sees them: without credentials, and without the secret part of the address.';
comment on column slotbase.webhook_endpoints.url is 'Scheme, host, and a fingerprint of the rest, which may be a secret.';

-- "slotbase grant-reader" runs these lines again after those of 0017, for a role that was made after the migrations.
do $$
begin
  if not exists (select from pg_roles where rolname = 'slotbase_reader') then
    return;
  end if;
  revoke select (url) on slotbase.webhooks from slotbase_reader;
  revoke select on slotbase.attempt_history from slotbase_reader;
  grant select (event_id, delivery_id, attempt, id, facility_id, webhook_id, method, started_at, sent_at, outcome, duration_ms,
    signature, response_status, error_message)
    on slotbase.attempt_history to slotbase_reader;
  grant select on slotbase.webhook_endpoints to slotbase_reader;
end $$;
