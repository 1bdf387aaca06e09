-- Failures are told, not only kept. Before, an endpoint could fail for days, or switch itself off with 410, and only a
-- query showed it. And a mail that its server put off for a minute became a dead letter after 31 seconds.

-- A row per webhook whose endpoint fails, or that is switched off. The job webhook-health is its only writer. Only the
-- change of this row announces a stage, in the transaction of the event. So each stage is told once, whatever crashes.
create table slotbase.webhook_health (
  webhook_id     uuid        not null,
  facility_id    uuid        not null,
  began_at       timestamptz not null,
  failing_since  timestamptz not null,
  last_failed_at timestamptz,
  last_error     text,
  stage          smallint    not null default 0 constraint stage_is_known check (stage between 0 and 3),
  given_up_at    timestamptz,
  disabled_at    timestamptz,
  told_at        timestamptz,
  primary key (webhook_id, facility_id)
) with (fillfactor = 70);
create index webhook_health_of_facility on slotbase.webhook_health (facility_id);
comment on table  slotbase.webhook_health is 'Webhooks whose endpoint fails or that were switched off, and what the facility was told. No row: all is well.';
comment on column slotbase.webhook_health.began_at is 'When the outage began.';
comment on column slotbase.webhook_health.failing_since is 'From when its stages are counted: the first failed attempt after the last delivered one, or when it was switched on again.';
comment on column slotbase.webhook_health.stage is 'The last stage that was told: 0 none, 1 after 15 minutes, 2 after an hour, 3 after a day.';
comment on column slotbase.webhook_health.given_up_at is 'When the facility was told that deliveries were given up; null: none was.';
comment on column slotbase.webhook_health.disabled_at is 'When the facility was told that the webhook was switched off; null: it is on.';
comment on column slotbase.webhook_health.told_at is 'When the facility was last told something; null: nothing yet, so its recovery is told to nobody.';

-- What is switched off already when this migration runs is old news: it counts as told.
insert into slotbase.webhook_health (webhook_id, facility_id, began_at, failing_since, disabled_at, told_at, last_error)
select id, facility_id, updated_at, updated_at, slotbase.now(), slotbase.now(), disabled_reason
from slotbase.webhooks where disabled_reason is not null and not is_active and deleted_at is null;

-- The job looks for new failures and for recoveries every minute. These indexes hold failures only, so that a delivery
-- that arrives at its first attempt writes to none of them.
create index attempts_failed on slotbase.attempt_history (started_at) where outcome = 'failed';
create index deliveries_after_retries on slotbase.delivery_history (webhook_id, settled_at) where status = 'delivered' and attempts > 1;
create index webhooks_switched_off on slotbase.webhooks (id) where disabled_reason is not null and not is_active and deleted_at is null;
create index dead_letters_of_webhook on slotbase.dead_letters (webhook_id, created_at) where webhook_id is not null and resolved_at is null;

-- Looks at the newest thousand by the time of their event: whoever works again delivers new events. The last one that
-- was delivered after a retry is found by its index. So the answer costs the same however long the history is.
create function slotbase.webhook_last_delivered(of_webhook uuid) returns timestamptz language sql stable as $$
  select greatest(
    (select max(n.settled_at) filter (where n.status = 'delivered')
     from (select h.settled_at, h.status from slotbase.delivery_history h
           where h.webhook_id = of_webhook order by h.event_id desc limit 1000) n),
    (select h.settled_at from slotbase.delivery_history h
     where h.webhook_id = of_webhook and h.status = 'delivered' and h.attempts > 1 order by h.settled_at desc limit 1))
$$;
comment on function slotbase.webhook_last_delivered(uuid) is 'When a webhook last took a delivery, as far as its newest thousand and its retried deliveries show; null: never.';

-- The states of a message. "deferred" knows its next try. "refused" is final and about the recipient. "failed" was
-- tried for days; its run is a dead letter, and reprocessing it begins anew.
alter table slotbase.notifications drop constraint notification_status_is_known;
alter table slotbase.notifications add constraint notification_status_is_known
  check (status in ('pending', 'sending', 'deferred', 'sent', 'refused', 'failed', 'skipped')) not valid;
alter table slotbase.notifications add column deferred_since timestamptz;
alter table slotbase.notifications add column next_try_at timestamptz;
alter table slotbase.notifications add constraint deferred_message_has_next_try
  check (status <> 'deferred' or next_try_at is not null and deferred_since is not null) not valid;
create index notifications_undelivered on slotbase.notifications (facility_id, created_at) where status in ('deferred', 'failed');
comment on column slotbase.notifications.status is
  'sending: a send is under way or its outcome is unknown. deferred: tried again at next_try_at. refused: the recipient''s server will not take it. failed: given up after days, see dead_letters. skipped: see reason.';
comment on column slotbase.notifications.reason is 'The last answer of the mail server, or why it was skipped.';
comment on column slotbase.notifications.deferred_since is 'The first try that failed for now. Five days later the message is given up.';
comment on column slotbase.notifications.next_try_at is 'When a deferred message is tried again.';

-- The state of the service that takes the mail. An answer about the sender or the service says nothing about a
-- recipient: it holds all mail, and one message at a time asks again.
create table slotbase.mail_service (
  only_row      boolean     not null default true primary key constraint mail_service_has_one_row check (only_row),
  failures      integer     not null default 0,
  failing_since timestamptz,
  held_until    timestamptz,
  probing_until timestamptz,
  last_answer   text,
  suspect       text
);
insert into slotbase.mail_service default values;
comment on table  slotbase.mail_service is 'Whether the mail server takes mail at all: one row.';
comment on column slotbase.mail_service.failures is 'Answers against the sender or the service, in a row.';
comment on column slotbase.mail_service.failing_since is 'The first of them; null: the service works.';
comment on column slotbase.mail_service.held_until is 'No mail leaves before; null: mail is not held.';
comment on column slotbase.mail_service.probing_until is 'Until then one message asks whether mail is taken again, and the others wait.';
comment on column slotbase.mail_service.suspect is 'A digest of the recipient at whom the server first spoke against the sender. A second recipient confirms it.';

insert into slotbase.retention_rules (name, ends, says, done_by, why) values
  ('mail_service',   'never', '', null, 'one row'),
  ('webhook_health', 'after', 'when its endpoint works again, or its webhook is deleted', 'webhook-health', 'the present state of a webhook');

do $$ begin
  if exists (select from pg_roles where rolname = 'slotbase_reader') then
    grant select on slotbase.webhook_health to slotbase_reader;
    grant select (only_row, failures, failing_since, held_until, probing_until, last_answer) on slotbase.mail_service to slotbase_reader;
  end if;
end $$;
