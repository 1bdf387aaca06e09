-- What one member may hold: limits of the booking policy, and a pause after a hold that came to nothing. A facility
-- without a policy has no limits, and pauses for as long as its holds last.

alter table slotbase.booking_policies
  add column member_limits      jsonb   not null default '[]',
  add column week_starts_on     text    not null default 'monday' constraint week_starts_on_a_weekday check (week_starts_on in
                                ('monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday', 'sunday')),
  add column hold_pause_minutes integer constraint hold_pause_not_negative check (hold_pause_minutes >= 0);
comment on column slotbase.booking_policies.member_limits is 'List of {name, per, atMost, roles, primeTime}: what one member may hold. Staff and API keys are not bound.';
comment on column slotbase.booking_policies.week_starts_on is 'First day of a local week of member_limits.';
comment on column slotbase.booking_policies.hold_pause_minutes is 'How long a member who kept a time and did not book it leaves it to others; null: as long as a hold lasts.';
