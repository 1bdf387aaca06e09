-- What grows has an end. Every table of this schema has a row in retention_rules, which says when its rows leave and
-- why. The job of actors/jobs/retention.ts deletes by these rules, in small transactions. Rows that are deleted by age
-- cannot be brought back, so the clock that measures their age is asked twice: see watch_clock().
--
-- A new table needs one row of retention_rules, in its own file. A rule with a condition needs no more: forget_rows()
-- deletes what the condition finds. The condition needs an index, because forget_rows() never scans a whole table.

create table slotbase.retention_rules (
  name      text     primary key,
  ends      text     not null constraint end_is_known check (ends in ('never', 'with', 'work', 'month', 'after')),
  says      text     not null default '',
  keep      interval,
  at_least  interval,
  done_by   text,
  condition text,
  batch     integer  not null default 1000 constraint batch_is_positive check (batch > 0),
  walked_to uuid,
  why       text     not null,
  constraint rows_are_kept_at_least check (keep >= at_least),
  constraint only_an_age_ends_by_a_job check ((ends = 'after') = (done_by is not null)),
  constraint retention_knows_its_age check ((done_by is not distinct from 'retention') = (num_nonnulls(keep, at_least) = 2)
    and num_nonnulls(keep, at_least) in (0, 2)),
  constraint only_retention_has_conditions check (condition is null or done_by = 'retention')
);
comment on table  slotbase.retention_rules is 'When the rows of each table leave, and why. The view slotbase.retention is easier to read.';
comment on column slotbase.retention_rules.ends is 'never; with: together with rows of other tables; work: when their work is done; month: with the log, by settings.keep_events; after: at an age.';
comment on column slotbase.retention_rules.says is 'The rows or the instant that the end is counted from, in words.';
comment on column slotbase.retention_rules.keep is 'The age at which rows leave. An operator may change it, down to at_least.';
comment on column slotbase.retention_rules.at_least is 'The shortest age: below it, rows would leave that are still needed.';
comment on column slotbase.retention_rules.done_by is 'The job that removes them. Of the jobs only "retention" reads keep; the ages of the others are in the program.';
comment on column slotbase.retention_rules.condition is 'Finds the rows that leave; $1 is the instant before which they are too old. Null: the function slotbase.forget_<name>.';
comment on column slotbase.retention_rules.batch is 'Rows per transaction of the job.';
comment on column slotbase.retention_rules.walked_to is 'How far a walk over all rows has come; null: at the beginning.';

create view slotbase.retention as
select name,
       case ends when 'never' then 'never'
                 when 'with'  then 'with ' || says
                 when 'work'  then 'when ' || says
                 when 'month' then 'with its month of the log' || coalesce(': ' || nullif(says, ''), '')
                 else coalesce(keep::text || ' ', '') || says end as ends,
       done_by, why
from slotbase.retention_rules;
comment on view slotbase.retention is 'When the rows of each table leave, which job removes them, and why.';

-- The clock is asked twice. With the clock of the host 80 years ahead, one run of the job dropped nearly the whole log.
-- The watch is over the real time of the host, never over the movable clock: who moves that one does so on purpose.
-- A leap of more than a day is doubted. It is believed when the clock has gone on from there for another day. After a
-- leap of more than 45 days that takes seven days. A second leap begins the doubt anew. A server that was switched off
-- for two days looks the same as such a leap; its old rows then leave a day later.
create table slotbase.clock_watch (
  one           boolean primary key default true constraint clock_watch_is_one_row check (one),
  trusted_at    timestamptz,
  seen_at       timestamptz,
  doubted_since timestamptz
);
insert into slotbase.clock_watch default values;
comment on table  slotbase.clock_watch is 'Whether the real time of the host can be believed. Nothing is deleted by age while it is doubted.';
comment on column slotbase.clock_watch.trusted_at is 'The latest real time that was believed; null: nobody has looked yet.';
comment on column slotbase.clock_watch.seen_at is 'The real time of the last look.';
comment on column slotbase.clock_watch.doubted_since is 'The real time that the clock showed after its leap; null: it is believed.';

create function slotbase.newest_event() returns timestamptz language sql stable as $$
  select slotbase.time_of(event_id) from slotbase.event_positions order by position desc limit 1
$$;
comment on function slotbase.newest_event() is 'The instant of the last event of the log; null: there is none.';

create function slotbase.clock_wait(leap interval) returns interval language sql immutable as $$
  select case when leap > interval '45 days' then interval '7 days' else interval '1 day' end
$$;
comment on function slotbase.clock_wait(interval) is 'How long a clock must go on after a leap before it is believed.';

-- At the first look there is nothing to compare with but the log: an old database may be migrated under a wrong clock.
create function slotbase.watch_clock() returns slotbase.clock_watch language plpgsql as $$
declare
  present timestamptz := clock_timestamp();
  watch   slotbase.clock_watch;
begin
  select * into watch from slotbase.clock_watch for update;
  watch.trusted_at := coalesce(watch.trusted_at, least(present, slotbase.newest_event() + interval '1 day'));
  if present <= watch.trusted_at + interval '1 day'
     or present between watch.doubted_since + slotbase.clock_wait(watch.doubted_since - watch.trusted_at)
                and watch.seen_at + interval '1 day' then
    watch.trusted_at    := case when watch.doubted_since is null then greatest(watch.trusted_at, present) else present end;
    watch.doubted_since := null;
  elsif watch.doubted_since is null
     or present not between watch.seen_at - interval '1 minute' and watch.seen_at + interval '1 day' then
    watch.doubted_since := present;
  end if;
  watch.seen_at := present;
  update slotbase.clock_watch
  set trusted_at = watch.trusted_at, seen_at = watch.seen_at, doubted_since = watch.doubted_since;
  return watch;
end $$;
comment on function slotbase.watch_clock() is 'Looks at the clock of the host once more, and answers whether it is believed.';

-- Without a look of its own: a look locks its row, and a deletion would keep that lock until its end.
create function slotbase.clock_is_trusted() returns boolean language sql volatile as $$
  select w.doubted_since is null
     and clock_timestamp() <= coalesce(w.trusted_at, slotbase.newest_event() + interval '1 day', 'infinity') + interval '1 day'
  from slotbase.clock_watch w
$$;
comment on function slotbase.clock_is_trusted() is 'Whether the clock was believed at the last look, and has not leapt since.';

create function slotbase.trust_clock() returns timestamptz language sql as $$
  update slotbase.clock_watch set trusted_at = clock_timestamp(), seen_at = clock_timestamp(), doubted_since = null returning trusted_at
$$;
comment on function slotbase.trust_clock() is 'An operator says that the clock of the host is right, after a long stop or a repair.';

-- The months of the log. The newest three months of events stay, measured by the newest event and not by the clock: a
-- wrong clock never empties the log. A log without new events keeps these months for ever, and does not grow.
create or replace function slotbase.due_partitions(at timestamptz) returns table (month date, parent text, partition text)
language sql stable as $$
  select m.month, t.name, c.relname::text
  from slotbase.settings s
  cross join (select slotbase.newest_event() as newest) n
  cross join slotbase.partitioned_tables t
  join pg_class p on p.relname = t.name and p.relnamespace = 'slotbase'::regnamespace
  join pg_inherits i on i.inhparent = p.oid
  join pg_class c on c.oid = i.inhrelid and c.relname ~ ('^' || t.name || '_\d{4}_\d{2}$')
  cross join lateral (select case when c.relname ~ '_\d{4}_(0[1-9]|1[0-2])$' then to_date(right(c.relname, 7), 'YYYY_MM') end as month) m
  where m.month < date_trunc('month', least(at - s.keep_events, at - interval '1 month',
                                            n.newest - least(s.keep_events, interval '3 months')) at time zone 'UTC')
    and s.keep_events is not null
$$;

create or replace function slotbase.retire_month() returns setof slotbase.retired_months language plpgsql as $$
#variable_conflict use_column
declare
  present timestamptz := slotbase.now();
begin
  if not slotbase.clock_is_trusted() then
    return;
  end if;
  return query select * from slotbase.retired_months where ended_at is null order by month limit 1;
  if found then
    return;
  end if;
  return query
  insert into slotbase.retired_months as r (month, partitions, began_at)
  select d.month, array_agg(d.partition order by d.parent <> 'events', d.partition), present
  from slotbase.due_partitions(present) d
  group by d.month order by d.month limit 1
  on conflict (month) do update set partitions = excluded.partitions, began_at = excluded.began_at, ended_at = null
  returning *;
end $$;
comment on function slotbase.retire_month() is 'Names the next month that leaves, with its partitions; no row when none is due, or when the clock is doubted.';

-- Rows by age. A row that somebody else holds is left for the next run. The statement is made of the rule, so the table
-- and the condition are never those of a caller.
create function slotbase.forget_rows(rule text, before timestamptz, batch integer, out looked integer, out gone integer)
language plpgsql set enable_seqscan = off as $$
declare
  found_by text := (select condition from slotbase.retention_rules where name = rule);
begin
  execute format('delete from slotbase.%1$I where ctid = any (array(
                    select ctid from slotbase.%1$I where %2$s limit $2 for update skip locked)) and %2$s', rule, found_by)
  using before, batch;
  get diagnostics gone = row_count;
  looked := gone;
end $$;
comment on function slotbase.forget_rows(text, timestamptz, integer) is 'Deletes at most "batch" rows that the condition of a rule finds.';

create function slotbase.forget_old(rule text, batch integer, out looked integer, out gone integer) language plpgsql as $$
declare
  known  slotbase.retention_rules;
  before timestamptz;
begin
  looked := 0;
  gone   := 0;
  select * into known from slotbase.retention_rules where name = rule and done_by = 'retention';
  if not found or not slotbase.clock_is_trusted()
     or not pg_try_advisory_xact_lock(hashtext('slotbase'), hashtext('retention of ' || rule)) then
    return;
  end if;
  before := slotbase.now() - known.keep;
  if known.condition is not null then
    select r.looked, r.gone into looked, gone from slotbase.forget_rows(rule, before, batch) r;
  else
    execute format('select looked, gone from slotbase.%I($1, $2)', 'forget_' || rule) into looked, gone using before, batch;
  end if;
end $$;
comment on function slotbase.forget_old(text, integer) is 'Looks at no more than "batch" rows of a table and deletes those that are too old. Nothing while the clock is doubted, or while another session does the same.';

-- Three tables have rows that stay behind for a reason of their own. A walk looks at every row in turn, so those that
-- stay are never in the way of the others.
create function slotbase.walk_on(rule text, ids uuid[], step integer) returns integer language sql as $$
  update slotbase.retention_rules
  set walked_to = case when cardinality(ids) = step then ids[step] end
  where name = rule
  returning cardinality(ids)
$$;
comment on function slotbase.walk_on(text, uuid[], integer) is 'Notes how far a walk has come, the ids being in order; after the last row it begins anew.';

create function slotbase.walked_to(rule text) returns uuid language sql stable as $$
  select coalesce(walked_to, '00000000-0000-0000-0000-000000000000') from slotbase.retention_rules where name = rule
$$;
comment on function slotbase.walked_to(text) is 'After which id a walk goes on.';

-- The foreign keys are read from the catalog, so a later table is asked too.
create function slotbase.unreferenced(parent regclass, alias text, aside text[]) returns text language sql stable as $$
  select coalesce(string_agg(format('not exists (select from %s x where %s)', f.conrelid::regclass, k.equal), ' and '), 'true')
  from pg_constraint f
  cross join lateral (
    select string_agg(format('x.%I = %I.%I', c.attname, alias, p.attname), ' and ') as equal
    from unnest(f.conkey, f.confkey) u (child, parent)
    join pg_attribute c on c.attrelid = f.conrelid and c.attnum = u.child
    join pg_attribute p on p.attrelid = f.confrelid and p.attnum = u.parent
  ) k
  where f.contype = 'f' and f.confrelid = parent and f.confdeltype in ('a', 'r') and f.conparentid = 0 and f.conname <> all (aside)
$$;
comment on function slotbase.unreferenced(regclass, text, text[]) is 'The condition that no row refers to a row of the parent, those foreign keys aside that are named.';

-- People who registered themselves and never did anything else. They are deleted and not made nameless: nothing refers
-- to them, so nothing needs their row, and a row per stranger would still grow. A person whom staff entered, who has
-- another role than player, or to whom any row refers is kept. Their sessions and their roles as players leave with
-- them. A new reference waits for the lock, and then finds nobody. PostgreSQL checks some 70 foreign keys for each
-- person that it deletes, so a batch has fewer people than rows of other tables.
alter table slotbase.users add column last_signed_in_at timestamptz;
comment on column slotbase.users.last_signed_in_at is 'When a session of theirs was last opened; null: never since this was noted.';

create function slotbase.note_sign_in() returns trigger language plpgsql as $$
begin
  update slotbase.users u set last_signed_in_at = s.at
  from (select user_id, max(created_at) as at from opened group by user_id) s where s.user_id = u.id;
  return null;
end $$;
comment on function slotbase.note_sign_in() is 'Keeps users.last_signed_in_at: sessions themselves leave when they end.';
create trigger sign_in_is_noted after insert on slotbase.sessions
  referencing new table as opened for each statement execute function slotbase.note_sign_in();
update slotbase.users u set last_signed_in_at = s.created_at
from (select user_id, max(created_at) as created_at from slotbase.sessions group by user_id) s where s.user_id = u.id;

create function slotbase.forget_users(before timestamptz, batch integer, out looked integer, out gone integer)
language plpgsql set enable_seqscan = off as $$
declare
  seen uuid[] := array(select u.id from slotbase.users u
                       where u.id > slotbase.walked_to('users') and u.id < slotbase.id_at(before) order by u.id limit batch);
  idle uuid[];
  ask  text   := format('select array(
      select u.id from slotbase.users u
      where u.id = any ($1) and u.kind = ''person'' and greatest(u.created_at, u.last_signed_in_at) < $2
        and not exists (select from slotbase.role_grants g
                        where g.user_id = u.id and (g.role <> ''player'' or g.scope_type <> ''facility'' or g.granted_by <> u.id))
        and not exists (select from slotbase.role_grants g where g.granted_by = u.id and g.user_id <> u.id)
        and %s',
    slotbase.unreferenced('slotbase.users', 'u', array['sessions_user_id_fkey', 'role_grants_user_id_fkey', 'role_grants_granted_by_fkey']));
begin
  looked := slotbase.walk_on('users', seen, batch);
  execute ask || ' for update skip locked)' into idle using seen, before;
  -- Asked again behind the lock: what was committed meanwhile is seen now.
  execute ask || ')' into idle using idle, before;
  delete from slotbase.sessions where user_id = any (idle);
  delete from slotbase.role_grants where user_id = any (idle);
  delete from slotbase.users where id = any (idle);
  get diagnostics gone = row_count;
end $$;
comment on function slotbase.forget_users(timestamptz, integer) is 'Looks at the next people, and deletes those who only registered.';

-- Holds that ended without a booking. A hold stays when money was asked for it, or when another row refers to it, such
-- as an entry of the waitlist.
create index bookings_ended_holds on slotbase.bookings (id) where status in ('expired', 'released');

create function slotbase.forget_bookings(before timestamptz, batch integer, out looked integer, out gone integer)
language plpgsql set enable_seqscan = off as $$
declare
  seen uuid[] := array(select b.id from slotbase.bookings b
                       where b.status in ('expired', 'released') and b.id > slotbase.walked_to('bookings')
                         and b.id < slotbase.id_at(before) order by b.id limit batch);
begin
  looked := slotbase.walk_on('bookings', seen, batch);
  execute format('delete from slotbase.bookings d where (d.id, d.facility_id) in (
      select b.id, b.facility_id from slotbase.bookings b
      where b.id = any ($1) and b.status in (''expired'', ''released'')
        and not exists (select from slotbase.payments x where x.reference_id = b.id and x.facility_id = b.facility_id)
        and not exists (select from slotbase.refunds x where x.reference_id = b.id and x.facility_id = b.facility_id)
        and not exists (select from slotbase.charges x where x.reference_id = b.id and x.facility_id = b.facility_id)
        and %s
      for update skip locked)', slotbase.unreferenced('slotbase.bookings', 'b', '{}'))
  using seen;
  get diagnostics gone = row_count;
end $$;
comment on function slotbase.forget_bookings(timestamptz, integer) is 'Looks at the next ended holds, and deletes those that nothing refers to.';

-- A deleted webhook stays while the log has events of its time: the ledger of those events counts it.
create index webhooks_deleted on slotbase.webhooks (id) where deleted_at is not null;
update slotbase.webhooks set auth_config = null where deleted_at is not null and auth_config is not null;

create function slotbase.forget_webhooks(before timestamptz, batch integer, out looked integer, out gone integer)
language plpgsql set enable_seqscan = off as $$
declare
  seen uuid[] := array(select w.id from slotbase.webhooks w
                       where w.deleted_at is not null and w.id > slotbase.walked_to('webhooks') order by w.id limit batch);
begin
  looked := slotbase.walk_on('webhooks', seen, batch);
  with old as (
    delete from slotbase.webhooks w
    where w.id = any (seen) and w.deleted_at < before
      and not exists (select from slotbase.webhook_versions v where v.webhook_id = w.id)
      and not exists (select from slotbase.delivery_queue q where q.webhook_id = w.id)
    returning w.id
  ), numbers as (
    delete from slotbase.webhook_sequences s using old where s.webhook_id = old.id
  )
  select count(*) into gone from old;
end $$;
comment on function slotbase.forget_webhooks(timestamptz, integer) is 'Looks at the next deleted webhooks, and deletes those whose events have left the log.';

-- The indexes by which old rows are found. The ids of lost items and messages carry their time.
create index dead_letters_settled on slotbase.dead_letters (resolved_at) where resolved_at is not null;
create index waitlist_ended on slotbase.waitlist_entries (ended_at) where ended_at is not null;
create index reminders_by_start on slotbase.booking_reminders (start_at);
create index availability_cache_by_day on slotbase.availability_cache (day);
create index closures_by_end on slotbase.closures (end_at);
create index child_links_unanswered on slotbase.child_links (created_at) where status in ('invited', 'declined');
create index payments_failed on slotbase.payments (settled_at) where status = 'failed';
create index local_payments_failed on slotbase.local_provider_payments (created_at) where status = 'failed';
create index prompts_dismissed on slotbase.upgrade_prompts (dismissed_at) where dismissed_at is not null;

-- The indexes by which a person's traces are found. PostgreSQL checks every foreign key when a person is deleted, and
-- without its index it scans the whole table for each of them.
create index api_keys_by_creator on slotbase.api_keys (created_by);
create index api_keys_by_user on slotbase.api_keys (user_id);
create index billing_accounts_by_owner on slotbase.billing_accounts (owner_id) where owner_id is not null;
create index participants_by_user on slotbase.booking_participants (user_id);
create index reminders_by_user on slotbase.booking_reminders (user_id);
create index bookings_by_creator on slotbase.bookings (created_by);
create index bookings_by_approver on slotbase.bookings (approved_by) where approved_by is not null;
create index bookings_by_canceller on slotbase.bookings (cancelled_by) where cancelled_by is not null;
create index charges_by_user on slotbase.charges (user_id);
create index child_links_by_creator on slotbase.child_links (created_by);
create index closures_by_creator on slotbase.closures (created_by);
create index coach_blocks_by_coach on slotbase.coach_blocks (coach_id);
create index coach_blocks_by_requester on slotbase.coach_blocks (requested_by);
create index coach_blocks_by_approver on slotbase.coach_blocks (approved_by) where approved_by is not null;
create index coach_blocks_by_rejecter on slotbase.coach_blocks (rejected_by) where rejected_by is not null;
create index coach_sessions_by_coach on slotbase.coach_sessions (coach_id);
create index coach_sessions_by_creator on slotbase.coach_sessions (created_by);
create index coach_sessions_by_completer on slotbase.coach_sessions (completed_by) where completed_by is not null;
create index coach_sessions_by_canceller on slotbase.coach_sessions (cancelled_by) where cancelled_by is not null;
create index coupons_by_creator on slotbase.coupons (created_by);
create index dead_letters_by_resolver on slotbase.dead_letters (resolved_by) where resolved_by is not null;
create index facilities_by_owner on slotbase.facilities (owner_id);
create index feedback_by_creator on slotbase.feedback (created_by);
create index feedback_by_publisher on slotbase.feedback (published_by) where published_by is not null;
create index job_runs_by_requester on slotbase.job_runs (requested_by) where requested_by is not null;
create index lost_items_by_finder on slotbase.lost_items (reported_by);
create index lost_items_by_claimant on slotbase.lost_items (claimed_by) where claimed_by is not null;
create index lost_items_by_verifier on slotbase.lost_items (verified_by) where verified_by is not null;
create index media_by_uploader on slotbase.media (uploaded_by);
create index offline_payments_by_recorder on slotbase.offline_payments (recorded_by);
create index organizations_by_owner on slotbase.organizations (owner_id);
create index payments_by_requester on slotbase.payments (requested_by);
create index price_rules_by_creator on slotbase.price_rules (created_by);
create index progress_by_assessor on slotbase.progress (assessed_by);
create index recurring_by_creator on slotbase.recurring_bookings (created_by);
create index recurring_by_canceller on slotbase.recurring_bookings (cancelled_by) where cancelled_by is not null;
create index refunds_by_refunder on slotbase.refunds (refunded_by);
create index reminder_settings_by_updater on slotbase.reminder_settings (updated_by);
create index role_grants_by_granter on slotbase.role_grants (granted_by);
create index sessions_by_user on slotbase.sessions (user_id);
create index strikes_by_maker on slotbase.strike_ledger (made_by);
create index subscriptions_by_creator on slotbase.subscriptions (created_by);
create index subscriptions_by_canceller on slotbase.subscriptions (cancelled_by) where cancelled_by is not null;
create index prompts_by_dismisser on slotbase.upgrade_prompts (dismissed_by) where dismissed_by is not null;
create index waitlist_by_joiner on slotbase.waitlist_entries (joined_by);
create index webhooks_by_creator on slotbase.webhooks (created_by);
create index webhooks_by_deleter on slotbase.webhooks (deleted_by) where deleted_by is not null;
