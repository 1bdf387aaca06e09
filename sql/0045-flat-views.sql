-- What people are told to run costs the same however long the history is. `event_ledger where not balanced` computed
-- every event ever recorded: 1.7 s at 20,000 events, 11.7 s at 140,000. Now it looks at the latest 5,000 events;
-- event_ledger_whole has all of them, and "slotbase doctor" reads 10,000 of those.
alter view slotbase.event_ledger rename to event_ledger_whole;
comment on view slotbase.event_ledger_whole is
  'Conservation of every event in the log: see event_ledger. Its cost grows with the log: give a range of positions.';

create view slotbase.event_ledger as
select l.*
from slotbase.event_ledger_whole l
where l.position > (select p.position from slotbase.event_positions p order by p.position desc limit 1) - 5000;
comment on view   slotbase.event_ledger is
  'Conservation of the latest 5,000 events: what the subscriptions say should exist against what does, each handler and webhook by itself. "balanced" is true or something is lost or twice. event_ledger_whole has the whole log.';
comment on column slotbase.event_ledger.runs_missing is 'Subscribed handlers without a run; null: none.';
comment on column slotbase.event_ledger.runs_surplus is 'Handlers with a run too many: a second one, or one although they were not subscribed; null: none.';
comment on column slotbase.event_ledger.deliveries_missing is 'Subscribed webhooks without a delivery; null: none.';
comment on column slotbase.event_ledger.deliveries_surplus is 'Webhooks with a delivery too many; null: none.';

do $$ begin
  if exists (select from pg_roles where rolname = 'slotbase_reader') then
    grant select on slotbase.event_ledger, slotbase.event_ledger_whole to slotbase_reader;
  end if;
end $$;

-- Deliveries that failed for good were found by reading the whole history. This index holds failures only.
create index deliveries_failed on slotbase.delivery_history (settled_at) where status = 'failed';
