-- Subscriptions of Zapier, Make and other programs that subscribe by themselves (REST hooks). A subscription is a
-- webhook with the format "zapier"; this table says which webhooks are subscriptions, and how they ended. A receiver
-- that answers 410 has unsubscribed: its webhook is deleted in the transaction that settles the answer.

create table slotbase.hook_subscriptions (
  facility_id uuid        not null,
  webhook_id  uuid        not null,
  event       text        not null,
  created_at  timestamptz not null default slotbase.now(),
  gone_at     timestamptz,
  discarded   integer,
  primary key (facility_id, webhook_id),
  constraint gone_subscription_counts_its_deliveries check ((gone_at is null) = (discarded is null))
);
comment on table  slotbase.hook_subscriptions is 'Webhooks that a program made by subscribing (REST hooks), and how they ended. A deleted webhook is an ended subscription.';
comment on column slotbase.hook_subscriptions.webhook_id is 'The webhook. Its id is the id of the subscription.';
comment on column slotbase.hook_subscriptions.event is 'The type of event that was subscribed to.';
comment on column slotbase.hook_subscriptions.gone_at is 'When its receiver answered 410 and so unsubscribed; null: it did not.';
comment on column slotbase.hook_subscriptions.discarded is 'Deliveries that waited when the receiver unsubscribed, the one that got the 410 among them.';

create function slotbase.forget_hook_subscription() returns trigger language plpgsql as $$
begin
  delete from slotbase.hook_subscriptions where webhook_id = old.id and facility_id = old.facility_id;
  return null;
end $$;
comment on function slotbase.forget_hook_subscription() is 'A subscription ends with its webhook.';
create trigger webhook_takes_its_subscription after delete on slotbase.webhooks
for each row execute function slotbase.forget_hook_subscription();

insert into slotbase.retention_rules (name, ends, says, why) values
  ('hook_subscriptions', 'with', 'its webhook', 'says how the subscription ended');

do $$
begin
  if exists (select from pg_roles where rolname = 'slotbase_reader') then
    grant select on slotbase.hook_subscriptions to slotbase_reader;
  end if;
end $$;
