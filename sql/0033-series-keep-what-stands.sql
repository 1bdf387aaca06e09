-- A change of a series changes what it names. So each day keeps the place that the series gave its booking.
-- A booking that is elsewhere was moved by itself, and stays there.
--
-- A series may end by the clock, at an hour that no change of the clocks moves.
--
-- A series made by staff is the club's word to its booker. It goes on after its author has lost the role. A series
-- that cannot go on waits and says so: its days are not considered before they are past.

alter table slotbase.recurring_occurrences add column placed_start_at timestamptz;
alter table slotbase.recurring_occurrences add column placed_end_at timestamptz;
alter table slotbase.recurring_occurrences add column placed_resource_id uuid;
alter table slotbase.recurring_occurrences add foreign key (placed_resource_id, facility_id) references slotbase.resources (id, facility_id);
alter table slotbase.recurring_occurrences add constraint occurrence_is_placed_whole
  check (num_nulls(placed_start_at, placed_end_at, placed_resource_id) in (0, 3));
comment on column slotbase.recurring_occurrences.placed_start_at is
  'Where the series last put the booking of this day. Null: no booking, or not known from before; such a booking counts as moved by itself.';
comment on column slotbase.recurring_occurrences.placed_end_at is 'See placed_start_at.';
comment on column slotbase.recurring_occurrences.placed_resource_id is 'See placed_start_at.';

-- What stands: a booking that never moved is where its series put it, and so is one at the series' present time.
update slotbase.recurring_occurrences o
set placed_start_at = b.start_at, placed_end_at = b.end_at, placed_resource_id = b.resource_id
from slotbase.bookings b, slotbase.recurring_bookings s, slotbase.facilities f
where b.id = o.booking_id and b.facility_id = o.facility_id
  and s.id = o.recurring_booking_id and s.facility_id = o.facility_id and f.id = o.facility_id
  and (b.rescheduled_at is null
    or b.resource_id = s.resource_id
      and to_char(b.start_at at time zone f.timezone, 'YYYY-MM-DD HH24:MI') = o.occurs_on::text || ' ' || s.start_time
      and b.end_at = b.start_at + make_interval(mins => s.duration_minutes));

alter table slotbase.recurring_bookings add column end_time text
  constraint end_time_is_hours_and_minutes check (end_time ~ '^(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$');
alter table slotbase.recurring_bookings add column is_granted boolean not null default false;
alter table slotbase.recurring_bookings add column blocked_code text;
alter table slotbase.recurring_bookings add column blocked_reason text;
alter table slotbase.recurring_bookings add column blocked_at timestamptz;
alter table slotbase.recurring_bookings add column blocked_from date;
alter table slotbase.recurring_bookings add constraint blocked_series_says_why_and_from_when
  check (num_nulls(blocked_code, blocked_reason, blocked_at, blocked_from) in (0, 4));
comment on column slotbase.recurring_bookings.end_time is
  'Wall clock of the facility''s zone at which each booking ends, HH:MM or 24:00; null: after duration_minutes. duration_minutes is then the length of a day without a change of the clocks.';
comment on column slotbase.recurring_bookings.is_granted is
  'Staff made it for its booker: opening hours and closures bind it, also after its author has lost the role. False: the rules for its booker bind it.';
comment on column slotbase.recurring_bookings.blocked_code is
  'Why it cannot go on, such as not_found when its booker has left; null: it goes on. Its days wait, and are booked when it can go on.';
comment on column slotbase.recurring_bookings.blocked_reason is 'The same in a sentence.';
comment on column slotbase.recurring_bookings.blocked_at is 'Since when it cannot go on.';
comment on column slotbase.recurring_bookings.blocked_from is 'The first local day that waits.';

-- Only staff pay offline or waive, and only staff and parents book for somebody else.
update slotbase.recurring_bookings s
set is_granted = true
where payment_method <> 'online'
   or booker_id <> created_by
     and not exists (select from slotbase.child_links l where l.parent_id = s.created_by and l.child_id = s.booker_id);

-- A parent pays for a child by the link between them. When the link has ended, nobody goes on paying by it.
alter table slotbase.billing_account_members add column by_link boolean not null default false;
comment on column slotbase.billing_account_members.by_link is
  'The owner pays by a link of parent and child: the membership counts while the link lasts. False: until it is ended by itself.';
update slotbase.billing_account_members m
set by_link = true
from slotbase.billing_accounts a
where a.id = m.billing_account_id and a.facility_id = m.facility_id
  and exists (select from slotbase.child_links l
              where l.parent_id = a.owner_id and l.child_id = m.user_id and l.status = 'linked' and 'pay' = any (l.permissions)
                and (l.facility_id is null or l.facility_id = m.facility_id));
