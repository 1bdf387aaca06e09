-- What an attempt did on its way: the headers that it sent, the address, the time of each phase, and the class of its
-- error. A delivery over a reused connection writes few of them, because a null costs one bit. With all headers of the
-- request in each row, a delivery would write a third more WAL. So the row keeps those that do not follow from it.

alter table slotbase.attempt_history
  add column request_headers   jsonb,
  add column address           inet,
  add column connection_reused boolean,
  add column dns_ms            real,
  add column connect_ms        real,
  add column tls_ms            real,
  add column first_byte_ms     real,
  add column body_ms           real,
  add column body_end          text,
  add column error_class       text,
  add column error_code        text,
  add constraint attempt_error_class_is_known
    check (error_class in ('dns', 'tls', 'connection', 'timeout', 'status', 'refused_by_guard', 'other')),
  add constraint attempt_body_end_is_known check (body_end in ('cut', 'late', 'lost', 'unreadable'));
comment on column slotbase.attempt_history.request_headers is 'The headers as sent that do not follow from this row, without credentials; null as a value: a usual header that was not sent. Null: all follow. {}: nothing was sent. The API shows all.';
comment on column slotbase.attempt_history.address is 'The vetted address that was dialled last.';
comment on column slotbase.attempt_history.connection_reused is 'The connection had carried other requests before.';
comment on column slotbase.attempt_history.dns_ms is 'Asking for the name, milliseconds; null: the address was in the URL.';
comment on column slotbase.attempt_history.connect_ms is 'The TCP handshake, milliseconds; null: the connection was reused.';
comment on column slotbase.attempt_history.tls_ms is 'Milliseconds; null: plain http, or the connection was reused.';
comment on column slotbase.attempt_history.first_byte_ms is 'From the request to the first byte of the answer, milliseconds.';
comment on column slotbase.attempt_history.body_ms is 'From the first byte to the end of the answer, milliseconds, as far as it was read.';
comment on column slotbase.attempt_history.body_end is 'Why response_body is not whole: cut, late, lost or unreadable; null: it is whole, or there was no answer.';
comment on column slotbase.attempt_history.error_class is 'dns, tls, connection, timeout, status, refused_by_guard or other; null: delivered, or older than this column.';
comment on column slotbase.attempt_history.error_code is 'The cause within its class, such as http_503 or certificate_refused.';

create or replace function slotbase.end_attempts(results json) returns table (webhook_id uuid, ready_at timestamptz)
language plpgsql set enable_partition_pruning = off as $$
#variable_conflict use_column
declare
  present timestamptz := slotbase.now();
begin
  return query
  with held as materialized (
    -- in the order in which a deletion of the webhook takes them
    select q.*, r.attempt_id, r.url, r.method, r.outcome, r.final, r.failed, r.abandoned, r.sent_at, r.duration_ms,
           r.signature, r.status, r.headers, r.body, r.message, r.code, r.max_retries, r.request_headers, r.address,
           r.reused, r.dns_ms, r.connect_ms, r.tls_ms, r.first_byte_ms, r.body_ms, r.body_end, r.class, present + r.delay_ms * interval '1 ms' as next_at
    from (
      select * from json_to_recordset(results) as r (
        webhook_id uuid, position bigint, replay smallint, lease bigint, attempt_id uuid, url text, method text,
        outcome text, final boolean, failed integer, abandoned integer, delay_ms double precision,
        sent_at timestamptz, duration_ms real, signature text, status smallint, headers jsonb, body text, message text, code text,
        max_retries integer, request_headers jsonb, address inet, reused boolean, dns_ms real, connect_ms real, tls_ms real,
        first_byte_ms real, body_ms real, body_end text, class text)
      order by webhook_id, position, replay
    ) r
    cross join lateral (
      select *, ctid as at from slotbase.delivery_queue
      where webhook_id = r.webhook_id and position = r.position and replay = r.replay and lease = r.lease
      offset 0 for update
    ) q
  ), ended as (
    insert into slotbase.attempt_history (event_id, delivery_id, attempt, id, facility_id, webhook_id, url, method, started_at,
      sent_at, outcome, duration_ms, signature, response_status, response_headers, response_body, error_message,
      request_headers, address, connection_reused, dns_ms, connect_ms, tls_ms, first_byte_ms, body_ms, body_end, error_class, error_code)
    select event_id, delivery_id, attempts + 1, attempt_id, facility_id, webhook_id, url, method, started_at,
           sent_at, outcome, duration_ms, signature, status, headers, body, message,
           request_headers, address, reused, dns_ms, connect_ms, tls_ms, first_byte_ms, body_ms, body_end, coalesce(class, 'other'), code
    from held
  ), judged as (
    select h.*, coalesce(h.errors, '[]') || jsonb_strip_nulls(jsonb_build_object('eventId', h.event_id,
             'eventType', (select p.type from slotbase.event_positions p where p.position = h.position),
             'handlerName', 'WebhookHandler', 'error', jsonb_build_object('message', h.message, 'code', h.code),
             'attemptCount', h.attempts + 1, 'maxRetries', h.max_retries,
             'nextRetryAt', case when not h.final then slotbase.utc(h.next_at) end,
             'status', case when h.final then 'dead_letter' else 'retrying' end)) as all_errors
    from held h
  ), again as (
    update slotbase.delivery_queue q
    set lease = null, owner = null, started_at = null, attempts = q.attempts + 1, failures = q.failures + j.failed,
        unknowns = q.unknowns + j.abandoned, ready_at = j.next_at, errors = j.all_errors
    from judged j where q.ctid = j.at and not j.final
    returning q.webhook_id, q.ready_at
  ), gone as (
    delete from slotbase.delivery_queue q using judged j where q.ctid = j.at and j.final
  ), history as (
    insert into slotbase.delivery_history (webhook_id, event_id, replay, facility_id, position, delivery_id, sequence,
      status, attempts, settled_at, error_message, errors)
    select webhook_id, event_id, replay, facility_id, position, delivery_id, sequence, 'failed', attempts + 1, present,
           message, all_errors
    from judged where final
  ), dead as (
    insert into slotbase.dead_letters (id, facility_id, event_id, position, webhook_id, delivery_id, event, errors,
      created_at, last_attempt_at)
    select slotbase.derived_id(j.delivery_id, 'dead_letter'), j.facility_id, j.event_id, j.position, j.webhook_id,
           j.delivery_id,
           coalesce((select slotbase.event_body(e)::jsonb from slotbase.events e
                     where e.id = j.event_id and e.facility_id = j.facility_id), '{}'),
           j.all_errors, present, present
    from judged j where j.final
    on conflict (id, facility_id) do update
    set errors = excluded.errors, last_attempt_at = excluded.last_attempt_at,
        resolved_at = null, resolved_by = null, resolution = null
  )
  select webhook_id, ready_at from again;
end $$;

create or replace view slotbase.webhook_attempts as
select event_id, delivery_id, attempt, id, facility_id, webhook_id, slotbase.shown_url(url) as url, method, started_at, sent_at, outcome,
       duration_ms, signature, response_status, slotbase.without_address(response_headers::text, url)::jsonb as response_headers,
       slotbase.without_address(response_body, url) as response_body, error_message,
       request_headers, address, connection_reused, dns_ms, connect_ms, tls_ms, first_byte_ms, body_ms, body_end,
       error_class, error_code
from slotbase.attempt_history
union all
select q.event_id, q.delivery_id, (q.attempts + 1)::smallint,
       slotbase.derived_id(q.event_id, q.delivery_id::text || (q.attempts + 1)::text),
       q.facility_id, q.webhook_id, slotbase.shown_url(w.url), w.method, q.started_at, null, 'started', null, null, null, null, null, null,
       null, null, null, null, null, null, null, null, null, null, null
from slotbase.delivery_queue q
join slotbase.webhooks w on w.id = q.webhook_id and w.facility_id = q.facility_id
where q.lease is not null;

-- "slotbase grant-reader" runs these lines again after those of 0025, for a role that was made after the migrations.
do $$
begin
  if not exists (select from pg_roles where rolname = 'slotbase_reader') then
    return;
  end if;
  grant select (request_headers, address, connection_reused, dns_ms, connect_ms, tls_ms, first_byte_ms, body_ms, body_end,
    error_class, error_code)
    on slotbase.attempt_history to slotbase_reader;
end $$;
