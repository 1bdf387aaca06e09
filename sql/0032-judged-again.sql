-- Some rules were judged when a booking was made, and never again. A booking now says when its time is no longer open,
-- so that nobody is fined by a closed club. Staff undo an outcome that was a mistake; a second no-show of the same
-- booking then gives a second strike. Requests that nobody decided about end at their start.

alter table slotbase.bookings
  add column struck_at       timestamptz,
  add column struck_reason   text,
  add column struck_told_at  timestamptz,
  add column judged_by_staff boolean not null default false,
  add constraint struck_says_why_and_comes_before_told check
    ((struck_at is null) = (struck_reason is null) and (struck_told_at is null or struck_at is not null));
comment on column slotbase.bookings.struck_at is 'Since when its time is not open: a closure, other opening hours, or a resource out of use. Null: it is open. Cancelling it costs nothing, and nobody misses it.';
comment on column slotbase.bookings.struck_reason is 'Why its time is not open, such as the reason of the closure.';
comment on column slotbase.bookings.struck_told_at is 'When booking.struck (coach.block.struck) was recorded; the job hold-expiration records those that are missing.';
comment on column slotbase.bookings.judged_by_staff is 'Staff undid an outcome of it. The job no-show-detection leaves it alone.';
create index bookings_struck on slotbase.bookings (facility_id, start_at, id) where struck_at is not null;
create index bookings_struck_untold on slotbase.bookings (struck_at) where struck_at is not null and struck_told_at is null;
create index bookings_pending_by_start on slotbase.bookings (start_at) where status = 'pending';

-- What stands in closed time already. Opening hours are judged by the program, at the next change and by the job.
with standing as (
  select b.id, b.facility_id,
         coalesce((select c.reason from slotbase.closures c
                   where c.facility_id = b.facility_id and c.end_at > b.start_at and c.start_at < b.end_at
                     and (c.whole_facility or exists (select from slotbase.closure_resources x
                                                      where x.closure_id = c.id and x.facility_id = c.facility_id
                                                        and x.resource_id = b.resource_id))
                   order by c.start_at, c.id limit 1),
                  case when not r.is_active then 'The resource is out of use' end) as why
  from slotbase.bookings b
  join slotbase.resources r on r.id = b.resource_id and r.facility_id = b.facility_id
  where b.end_at > slotbase.now() and b.status in ('held', 'pending', 'confirmed') and b.booking_type <> 'maintenance'
)
update slotbase.bookings b set struck_at = slotbase.now(), struck_reason = s.why
from standing s
where s.why is not null and b.id = s.id and b.facility_id = s.facility_id;

alter table slotbase.strike_ledger
  add column round integer not null default 1 constraint strike_round_is_positive check (round > 0),
  drop constraint strike_given_and_waived_once,
  add constraint strike_given_and_waived_once unique (booking_id, facility_id, round, points);
comment on column slotbase.strike_ledger.round is 'Counts the no-shows of the booking. A no-show that was undone may be followed by another.';
