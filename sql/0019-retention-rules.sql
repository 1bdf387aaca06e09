-- The end of every table, one row each. docs/retention.md shows the same rows, and a test compares the two. The table
-- of dead passes comes first: its writer reads a queue of pg-boss that nobody read.
-- Money and bookings never leave by themselves. Tax law asks for books and vouchers for up to ten years (in Germany
-- section 147 of the Abgabenordnung), and the ledger is never changed.

create table slotbase.dead_passes (
  id           uuid        primary key,
  actor        text        not null,
  error        text        not null,
  failed_at    timestamptz not null,
  noted_at     timestamptz not null default slotbase.now(),
  recovered_at timestamptz
);
create index dead_passes_open on slotbase.dead_passes (actor) where recovered_at is null;
create index dead_passes_by_age on slotbase.dead_passes (noted_at);
comment on table  slotbase.dead_passes is 'Passes of actors that failed at every attempt. The actor goes on at its next tick; its work was not lost.';
comment on column slotbase.dead_passes.id is 'The id of the job in the queue "dead-passes" of pg-boss.';
comment on column slotbase.dead_passes.error is 'The error of the last attempt.';
comment on column slotbase.dead_passes.failed_at is 'When the last attempt failed, in real time.';
comment on column slotbase.dead_passes.recovered_at is 'When a later pass of the actor was found to have ended well; null: none has yet.';

-- pg-boss makes its schema at the first start, after the migrations. So this reads it only when it is there.
create function slotbase.recover_dead_passes() returns integer language plpgsql as $$
declare
  recovered integer := 0;
begin
  perform from slotbase.dead_passes where recovered_at is null limit 1;
  if found and to_regclass('pgboss.job') is not null then
    update slotbase.dead_passes d set recovered_at = slotbase.now()
    where d.recovered_at is null
      and exists (select from pgboss.job j where j.name = d.actor and j.state = 'completed' and j.completed_on > d.failed_at);
    get diagnostics recovered = row_count;
  end if;
  return recovered;
end $$;
comment on function slotbase.recover_dead_passes() is 'Notes the dead passes whose actor has since ended a pass well; answers how many.';

insert into slotbase.retention_rules (name, ends, says, why) values
  -- base
  ('clock',              'never', '', 'one row'),
  ('clock_watch',        'never', '', 'one row'),
  ('migrations',         'never', '', 'a row per file of sql/; a start compares them'),
  ('outbox_floor',       'never', '', 'one row'),
  ('partitioned_tables', 'never', '', 'four rows'),
  ('reminder_progress',  'never', '', 'one row'),
  ('retention_rules',    'never', '', 'a row per table'),
  ('retired_months',     'never', '', 'a row per month; says what became of the month'),
  ('secret_key_check',   'never', '', 'one row'),
  ('settings',           'never', '', 'one row'),
  -- people and clubs
  ('api_keys',           'never', '', 'its user names who acted; a club makes few'),
  ('booking_policies',   'never', '', 'a row per facility'),
  ('coach_profiles',     'never', '', 'a row per coach and facility'),
  ('facilities',         'never', '', 'bookings and money belong to it'),
  ('organizations',      'never', '', 'facilities belong to it'),
  ('price_rules',        'never', '', 'a club makes few; staff delete them'),
  ('reminder_settings',  'never', '', 'a row per facility'),
  ('resources',          'never', '', 'bookings belong to it; a plan limits their number'),
  ('role_grants',        'with',  'its person, or when it is revoked', 'a right counts until somebody takes it'),
  -- bookings
  ('booking_participants',  'with',  'its booking', 'part of the booking'),
  ('closure_resources',     'with',  'its closure', 'part of the closure'),
  ('occupancies',           'with',  'its booking, or when the slot is freed', 'the time that a booking takes'),
  ('recurring_bookings',    'never', '', 'its bookings were sold'),
  ('recurring_occurrences', 'never', '', 'says which booking came of a day, or why none did'),
  ('strike_ledger',         'never', '', 'the fees are money, and the sum of the strikes counts'),
  -- coaching
  ('coach_blocks',           'never', '', 'its booking stays'),
  ('coach_sessions',         'never', '', 'its booking stays'),
  ('coach_session_students', 'never', '', 'part of the session'),
  ('feedback',               'never', '', 'the record of a student''s progress'),
  ('feedback_assessments',   'with',  'its feedback', 'part of the feedback'),
  ('media',                  'never', '', 'files of feedback; upload-cleanup removes bytes without a row'),
  ('progress',               'never', '', 'the record of a student''s progress; append-only'),
  -- money
  ('billing_accounts',        'never', '', 'tax law: payments belong to it'),
  ('billing_account_members', 'never', '', 'says who paid for whom'),
  ('charges',                 'never', '', 'tax law'),
  ('coupon_redemptions',      'never', '', 'tax law; each facility redeems a coupon once'),
  ('coupons',                 'never', '', 'tax law: invoices were made cheaper by it'),
  ('entitlement_counters',    'never', '', 'a few rows per facility'),
  ('entitlement_returns',     'work',  'they are taken off their counter', 'a queue'),
  ('local_provider_refunds',  'never', '', 'the books of the built-in provider'),
  ('offline_payments',        'never', '', 'tax law'),
  ('payment_ledger',          'never', '', 'tax law; a trigger refuses every change'),
  ('plan_prices',             'never', '', 'a few rows per plan'),
  ('refunds',                 'never', '', 'tax law'),
  ('subscription_invoices',   'never', '', 'tax law'),
  ('subscription_plans',      'never', '', 'a few rows'),
  ('subscriptions',           'never', '', 'tax law'),
  -- events and work
  ('attempt_history',   'month', '', 'the attempts of its deliveries'),
  ('delivery_history',  'month', '', 'the deliveries of its events'),
  ('delivery_queue',    'work',  'it is delivered or a dead letter', 'a queue'),
  ('event_positions',   'month', '', 'the log'),
  ('event_types',       'never', '', 'a row per type of the catalogue'),
  ('events',            'month', '', 'the record of what happened, kept for settings.keep_events'),
  ('handler_batches',   'month', '', 'the runs of its events'),
  ('handler_claims',    'work',  'its runs are settled', 'a queue'),
  ('handler_cursors',   'never', '', 'a row per handler'),
  ('handler_history',   'month', '', 'the runs of its events'),
  ('handler_queue',     'work',  'it is done or a dead letter', 'a queue'),
  ('handlers',          'month', 'a subscription that ended before the log begins', 'says which events a handler received'),
  ('outbox',            'work',  'it is dispatched', 'a queue'),
  ('recorded',          'work',  'its transaction commits', 'a note of one transaction'),
  ('webhook_sequences', 'with',  'its webhook', 'the numbers of its deliveries'),
  ('webhook_versions',  'month', 'a subscription that ended before the log begins', 'says which events a webhook received'),
  -- figures
  ('daily_facility_figures', 'never', '', 'a row per facility and day; names nobody'),
  ('jobs',                   'never', '', 'a row per scheduled job');

insert into slotbase.retention_rules (name, ends, says, done_by, why) values
  ('idempotency_keys', 'after', '24 hours after the first answer',       'housekeeping',       'a repetition comes within minutes'),
  ('job_runs',         'after', '7 days after it began; the last of each job stays', 'housekeeping', 'shows what the jobs did'),
  ('mailbox',          'after', 'when a thousand later mails are there', 'housekeeping',       'the local mailbox, for development'),
  ('processes',        'after', '1 day after its last life sign',        'housekeeping',       'shows who ran lately'),
  ('sessions',         'after', 'when it ends, 30 days after the sign-in', 'housekeeping',     'an ended session lets nobody in'),
  ('stripe_inbox',     'after', '90 days after it arrived',              'payment-resolution', 'Stripe repeats an event for some days'),
  ('webhook_breakers', 'after', 'when its process has expired',          'deliver-webhooks',   'a state of a running process');

insert into slotbase.retention_rules (name, ends, keep, at_least, says, done_by, condition, why) values
  ('availability_cache', 'after', '7 days', '2 days', 'after the day', 'retention',
   'day < $1::date', 'slots that nobody can book any more; made anew when somebody asks'),
  ('booking_reminders', 'after', '90 days', '1 day', 'after the start', 'retention',
   'start_at < $1', 'says that the booker was reminded'),
  ('bookings', 'after', '30 days', '2 days', 'after a hold was made that ended without a booking and without a payment; bookings never', 'retention',
   null, 'tax law: a booking is the voucher of a sale; a hold that came to nothing is none'),
  ('child_links', 'after', '180 days', '30 days', 'after an invitation that was declined or never answered; links never', 'retention',
   'status in (''invited'', ''declined'') and created_at < $1', 'a parent keeps the right until somebody ends it'),
  ('closures', 'after', '2 years', '30 days', 'after its end', 'retention',
   'end_at < $1', 'explains why nobody played'),
  ('dead_letters', 'after', '180 days', '30 days', 'after it was reprocessed, ignored or resolved; open ones never', 'retention',
   'resolved_at < $1', 'what nobody has decided about is never dropped'),
  ('dead_passes', 'after', '90 days', '7 days', 'after it was noted', 'retention',
   'noted_at < $1', 'shows which actors failed'),
  ('local_provider_payments', 'after', '90 days', '30 days', 'after it failed; others never', 'retention',
   'status = ''failed'' and created_at < $1', 'the books of the built-in provider'),
  ('lost_items', 'after', '1 year', '30 days', 'after it was reported', 'retention',
   'id < slotbase.id_at($1)', 'an owner asks within months'),
  ('notifications', 'after', '400 days', '30 days', 'after it was made, and after its event has left the log', 'retention',
   'id < slotbase.id_at($1) and event_id < (select event_id from slotbase.event_positions order by position limit 1)',
   'while the event is there, the row keeps a message from being sent twice'),
  ('payments', 'after', '2 years', '540 days', 'after it failed; others never', 'retention',
   'status = ''failed'' and settled_at < $1', 'tax law: a payment is money; a failed attempt serves a dispute, which card schemes allow for 540 days'),
  ('upgrade_prompts', 'after', '180 days', '7 days', 'after it was dismissed', 'retention',
   'dismissed_at < $1', 'nobody sees it any more'),
  ('users', 'after', '180 days', '30 days', 'after the last sign-in of somebody who only registered; others never', 'retention',
   null, 'bookings, money and roles name their people'),
  ('waitlist_entries', 'after', '180 days', '7 days', 'after it ended', 'retention',
   'ended_at < $1', 'answers the question why somebody got the slot'),
  ('webhooks', 'after', '400 days', '30 days', 'after it was deleted, and after its last event has left the log; others never', 'retention',
   null, 'the ledger of its events counts it; its secret is gone at once');

update slotbase.retention_rules set batch = 200 where name = 'users';

do $$
begin
  if exists (select from pg_roles where rolname = 'slotbase_reader') then
    grant select on slotbase.retention_rules, slotbase.retention, slotbase.clock_watch, slotbase.dead_passes to slotbase_reader;
    grant select (last_signed_in_at) on slotbase.users to slotbase_reader;
  end if;
end $$;
