-- What the handlers for people and figures keep. CapacityTrackingHandler counts the monthly active users of a facility.
-- AnalyticsHandler counts by day, resource and type of booking, and can be counted anew from the log.

-- Monthly active users. The key of a person's row is what counts the person once, whatever the order and the
-- repetitions of the events.
alter table slotbase.subscription_plans add column monthly_active_users integer
  constraint limit_of_monthly_users_is_positive check (monthly_active_users > 0);
comment on column slotbase.subscription_plans.monthly_active_users is 'People who have booked or take part in a booking, by the local month in which it was confirmed. It only warns, and refuses nothing.';
update slotbase.subscription_plans set monthly_active_users = active_users;

create table slotbase.monthly_active_users (
  facility_id uuid not null references slotbase.facilities (id),
  month       date not null,
  user_id     uuid not null,
  event_id    uuid not null,
  primary key (facility_id, month, user_id)
);
create index monthly_active_users_by_month on slotbase.monthly_active_users (month);
comment on table  slotbase.monthly_active_users is 'Who was active in a facility in a month: one row per person. Kept by CapacityTrackingHandler.';
comment on column slotbase.monthly_active_users.month is 'The first day of the local month in which the booking was confirmed.';
comment on column slotbase.monthly_active_users.event_id is 'The booking.confirmed that was handled first.';

create table slotbase.active_user_months (
  facility_id uuid     not null references slotbase.facilities (id),
  month       date     not null,
  users       integer  not null constraint active_users_not_negative check (users >= 0),
  warned      smallint not null default 0 constraint active_warning_level_is_known check (warned between 0 and 3),
  primary key (facility_id, month)
);
comment on table  slotbase.active_user_months is 'How many people were active in a facility in a month, and what was warned of.';
comment on column slotbase.active_user_months.warned is 'The highest level of subscription.limit_warning in this month: 0 none, 1 approaching, 2 at the limit, 3 exceeded.';

-- The figures. A row also has the month of the log that its events stand in. So a month can be counted anew from the
-- log, and what came from months that the log no longer has stays.
create table slotbase.daily_figures (
  facility_id      uuid    not null references slotbase.facilities (id),
  day              date    not null,
  resource_id      uuid    not null,
  booking_type     text    not null,
  log_month        date    not null,
  bookings         integer not null default 0,
  cancellations    integer not null default 0,
  check_ins        integer not null default 0,
  no_shows         integer not null default 0,
  completions      integer not null default 0,
  booked_minutes   bigint  not null default 0,
  booked_amount    bigint  not null default 0,
  payments_amount  bigint  not null default 0,
  refunds_amount   bigint  not null default 0,
  primary key (facility_id, day, resource_id, booking_type, log_month)
);
comment on table  slotbase.daily_figures is 'The figures of a facility by local day, resource and type of booking, kept by AnalyticsHandler. Read daily_resource_figures or daily_facility_figures.';
comment on column slotbase.daily_figures.day is 'The local day on which the booked time starts (payments: on which they were made).';
comment on column slotbase.daily_figures.resource_id is 'All zeros: what belongs to no resource, such as a payment for no booking.';
comment on column slotbase.daily_figures.booking_type is 'Empty: what belongs to no booking.';
comment on column slotbase.daily_figures.log_month is 'The month of the log (UTC) in which its events were recorded. 0001-01-01: from before there were resources and types.';
comment on column slotbase.daily_figures.booked_amount is 'Price of the confirmed bookings less that of the cancelled ones, minor units of the facility''s currency.';

insert into slotbase.daily_figures (facility_id, day, resource_id, booking_type, log_month, bookings, cancellations, check_ins, no_shows,
  completions, booked_minutes, booked_amount, payments_amount, refunds_amount)
select facility_id, day, '00000000-0000-0000-0000-000000000000', '', '0001-01-01', bookings, cancellations, check_ins, no_shows,
       completions, booked_minutes, booked_amount, payments_amount, refunds_amount
from slotbase.daily_facility_figures;
drop table slotbase.daily_facility_figures;

create view slotbase.daily_resource_figures as
select facility_id, day, nullif(resource_id, '00000000-0000-0000-0000-000000000000') as resource_id, nullif(booking_type, '') as booking_type,
       sum(bookings)::integer as bookings, sum(cancellations)::integer as cancellations, sum(check_ins)::integer as check_ins,
       sum(no_shows)::integer as no_shows, sum(completions)::integer as completions, sum(booked_minutes)::bigint as booked_minutes,
       sum(booked_amount)::bigint as booked_amount, sum(payments_amount)::bigint as payments_amount,
       sum(refunds_amount)::bigint as refunds_amount
from slotbase.daily_figures
group by facility_id, day, resource_id, booking_type;
comment on view slotbase.daily_resource_figures is 'The figures of a facility for each local day of play, resource and type of booking.';
comment on column slotbase.daily_resource_figures.resource_id is 'Null: what belongs to no resource, such as a payment for no booking.';
comment on column slotbase.daily_resource_figures.booking_type is 'Null: what belongs to no booking.';
comment on column slotbase.daily_resource_figures.booked_amount is 'Price of the confirmed bookings less that of the cancelled ones, minor units of the facility''s currency.';

create view slotbase.daily_facility_figures as
select facility_id, day, sum(bookings)::integer as bookings, sum(cancellations)::integer as cancellations,
       sum(check_ins)::integer as check_ins, sum(no_shows)::integer as no_shows, sum(completions)::integer as completions,
       sum(booked_minutes)::bigint as booked_minutes, sum(booked_amount)::bigint as booked_amount,
       sum(payments_amount)::bigint as payments_amount, sum(refunds_amount)::bigint as refunds_amount
from slotbase.daily_figures
group by facility_id, day;
comment on view slotbase.daily_facility_figures is 'The figures of a facility for each local day of play: those of daily_resource_figures together.';
comment on column slotbase.daily_facility_figures.day is 'The local day on which the booked time starts (payments: on which they were made).';
comment on column slotbase.daily_facility_figures.booked_amount is 'Price of the confirmed bookings less that of the cancelled ones, minor units of the facility''s currency.';

delete from slotbase.retention_rules where name = 'daily_facility_figures';
insert into slotbase.retention_rules (name, ends, says, why) values
  ('active_user_months', 'never', '', 'a row per facility and month; names nobody'),
  ('daily_figures',      'never', '', 'a few rows per facility and day; names nobody');
insert into slotbase.retention_rules (name, ends, keep, at_least, says, done_by, condition, why) values
  ('monthly_active_users', 'after', '420 days', '400 days', 'after its month began', 'retention',
   'month < $1::date', 'counts a person once in a month, for as long as the events of the month are kept');

-- "slotbase grant-reader" runs these lines again, for a role that was made after the migrations.
do $$ begin
  if exists (select from pg_roles where rolname = 'slotbase_reader') then
    grant select on slotbase.monthly_active_users, slotbase.active_user_months, slotbase.daily_figures,
      slotbase.daily_resource_figures, slotbase.daily_facility_figures to slotbase_reader;
  end if;
end $$;
