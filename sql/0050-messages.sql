-- Messages are recorded by one transaction, and sent by another actor. Before, NotificationHandler sent its mails while
-- its run was under way: ten runs at once, one event after the other, and 10,000 mails of one club kept every other
-- club's mail waiting. Now the run ends when its messages are recorded. A row in message_queue waits to be sent. The
-- actor send-messages claims rows in turn over the facilities, and settles many together.

-- A queue of its own, because the row of a message is wide and has four indexes. The queue is narrow, and short.
-- A row that waits for an instant (a retry, quiet hours) has due_at, and is in no way of those that are ready. A step
-- before the claim makes due rows ready. So the claim walks over ready rows alone, from facility to facility.
create table slotbase.message_queue (
  id          uuid     not null,
  facility_id uuid     not null,
  event_id    uuid     not null,
  channel     text     not null constraint queue_channel_is_known check (channel in ('email', 'push', 'sms', 'in_app')),
  urgency     smallint not null constraint urgency_is_known check (urgency between 0 and 2),
  abandoned   smallint not null default 0,
  due_at      timestamptz,
  lease       bigint,
  owner       bigint,
  primary key (id, facility_id),
  constraint claimed_message_has_owner check ((lease is null) = (owner is null)),
  constraint claimed_message_is_ready check (lease is null or due_at is null)
) with (fillfactor = 70, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000, autovacuum_vacuum_cost_delay = 0);
create index message_queue_ready on slotbase.message_queue (channel, facility_id, urgency, id)
  where due_at is null and lease is null and abandoned < 2;
create index message_queue_due on slotbase.message_queue (channel, due_at) where due_at is not null;
create index message_queue_claimed on slotbase.message_queue (owner) where lease is not null;
create index message_queue_alone on slotbase.message_queue (channel, id) where abandoned >= 2;
comment on table  slotbase.message_queue is 'Messages that are not finished (notifications): each waits, is ready, or is being sent.';
comment on column slotbase.message_queue.id is 'The message: notifications.id.';
comment on column slotbase.message_queue.urgency is '0 critical, 1 high, 2 normal. Within a facility the more urgent goes first.';
comment on column slotbase.message_queue.abandoned is 'How often its process ended while it was being sent. After two it is sent by itself, so that it is the cause of a third.';
comment on column slotbase.message_queue.due_at is 'Not before this instant: a retry, or the end of quiet hours; null: ready.';
comment on column slotbase.message_queue.lease is 'Fencing token of its claim; null: nobody has it.';
comment on column slotbase.message_queue.owner is 'The process that sends it (processes.id). When that has expired, the message is free again, and its outcome unknown.';

alter table slotbase.notifications drop constraint notification_channel_is_known;
alter table slotbase.notifications add constraint notification_channel_is_known
  check (channel in ('email', 'push', 'sms', 'in_app')) not valid;
alter table slotbase.notifications add constraint notification_priority_is_known
  check (priority in ('critical', 'high', 'normal')) not valid;
alter table slotbase.notifications drop constraint notification_status_is_known;
alter table slotbase.notifications add constraint notification_status_is_known
  check (status in ('pending', 'sending', 'deferred', 'sent', 'bounced', 'refused', 'failed', 'skipped')) not valid;
alter table slotbase.notifications add column not_before timestamptz;
alter table slotbase.notifications add column data jsonb;
alter table slotbase.notifications add column ics text;
alter table slotbase.notifications add column sent_to text;
alter table slotbase.notifications add column bounced_at timestamptz;
alter table slotbase.notifications add constraint bounced_says_when
  check ((status = 'bounced') = (bounced_at is not null)) not valid;
comment on column slotbase.notifications.status is
  'sending: a send is under way or its outcome is unknown. deferred: tried again at next_try_at. sent: its server or service has taken it. bounced: a report said later that it could not be delivered. refused: the recipient''s server will not take it. failed: given up after days, see dead_letters. skipped: see reason.';
comment on column slotbase.notifications.reason is 'The last answer of the server or service, why it was skipped, or what a report said about it.';
comment on column slotbase.notifications.not_before is 'It is not sent before: quiet hours; null: at once.';
comment on column slotbase.notifications.data is 'What channels show beside the words, such as where a tap leads; null: nothing.';
comment on column slotbase.notifications.ics is 'The calendar invitation that goes with a mail (RFC 5545, with METHOD); null: none.';
comment on column slotbase.notifications.sent_to is 'The address that took it.';
comment on column slotbase.notifications.bounced_at is 'When the report arrived.';

-- A message is changed twice: when its send begins, and when its send has ended. No index may hold the columns of those
-- changes, also not in its condition. Otherwise both changes write to every index.
drop index slotbase.notifications_undelivered;
create index notifications_unsent on slotbase.notifications (facility_id, created_at) where deferred_since is not null;
comment on column slotbase.notifications.deferred_since is 'The first try that failed for now; null: none has. Five days later the message is given up, and keeps it.';

-- Each channel has a service of its own. Where the mail server takes nothing, push messages go on.
alter table slotbase.mail_service drop constraint mail_service_pkey;
alter table slotbase.mail_service drop constraint mail_service_has_one_row;
alter table slotbase.mail_service add column channel text not null default 'email' primary key
  constraint service_channel_is_known check (channel in ('email', 'push', 'sms', 'in_app'));
insert into slotbase.mail_service (channel) values ('push'), ('sms'), ('in_app');
comment on table  slotbase.mail_service is 'Whether the service of a channel takes messages at all: a row per channel. In-app messages need no service.';
comment on column slotbase.mail_service.only_row is 'Says nothing. A program from before this migration still returns it while both run.';
update slotbase.retention_rules set why = 'a row per channel' where name = 'mail_service';

-- Addresses at which mail has bounced for good. The key is the address: who gives another one is reached there.
create table slotbase.undeliverable_addresses (
  address     text        primary key constraint undeliverable_is_lower_case check (address = lower(address)),
  facility_id uuid        not null,
  message_id  uuid        not null,
  since       timestamptz not null default slotbase.now(),
  status      text        not null constraint undeliverable_has_status check (status ~ '^5\.\d{1,3}\.\d{1,3}$'),
  answer      text        not null
);
create index undeliverable_by_report on slotbase.undeliverable_addresses (since);
comment on table  slotbase.undeliverable_addresses is 'Addresses that take no mail for good: nothing is mailed there until staff clear it, or the person gives another one.';
comment on column slotbase.undeliverable_addresses.facility_id is 'The facility whose message bounced.';
comment on column slotbase.undeliverable_addresses.message_id is 'The message that bounced (notifications.id).';
comment on column slotbase.undeliverable_addresses.status is 'The enhanced status code (RFC 3463), such as 5.1.1.';
comment on column slotbase.undeliverable_addresses.answer is 'What the server said.';

insert into slotbase.retention_rules (name, ends, keep, at_least, says, done_by, condition, why) values
  ('undeliverable_addresses', 'after', '400 days', '30 days', 'after the report, or when staff clear it', 'retention',
   'since < $1', 'then the address is tried again');
insert into slotbase.retention_rules (name, ends, says, done_by, why) values
  ('message_queue', 'after', 'when its message is sent or given up', 'send-messages', 'what waits to be sent');

do $$ begin
  if exists (select from pg_roles where rolname = 'slotbase_reader') then
    grant select (channel) on slotbase.mail_service to slotbase_reader;
    grant select on slotbase.message_queue, slotbase.undeliverable_addresses to slotbase_reader;
  end if;
end $$;
