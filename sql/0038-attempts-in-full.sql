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
