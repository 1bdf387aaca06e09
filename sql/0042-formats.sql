-- A webhook's body may have another format than SlotBase's own. A body in another format depends on the template, on
-- the name and zone of the facility, and on the program's version. So it is kept before its first request leaves, and
-- every later attempt sends the kept bytes. A body in SlotBase's own format is made from the event, which never
-- changes. It is not kept, so nothing is added to the work of such a delivery.

alter table slotbase.webhooks
  add column format       text not null default 'slotbase' constraint webhook_format_is_known
    check (format in ('slotbase', 'cloudevents', 'cloudevents-binary', 'zapier', 'template')),
  add column template     text,
  add column content_type text,
  add column format_changed_at timestamptz,
  add constraint webhook_template_has_its_format check ((format = 'template') = (template is not null)),
  add constraint webhook_content_type_has_its_template check (content_type is null or template is not null);
comment on column slotbase.webhooks.format is 'The form of the body: slotbase (the DomainEvent), cloudevents (1.0, structured), cloudevents-binary (1.0, attributes in headers), zapier, template.';
comment on column slotbase.webhooks.template is 'Liquid, of the format template.';
comment on column slotbase.webhooks.format_changed_at is 'When the format was last changed; null: the webhook was made with it.';
comment on column slotbase.webhooks.content_type is 'Content-Type of what the template makes; null: application/json.';

create table slotbase.delivery_bodies (
  webhook_id   uuid    not null,
  event_id     uuid    not null,
  replay       smallint not null,
  facility_id  uuid    not null,
  event_type   text    not null,
  content_type text    not null,
  headers      jsonb   not null default '{}',
  body         text    not null,
  is_test      boolean not null default false,
  primary key (webhook_id, event_id, replay)
) partition by range (event_id);
create index delivery_bodies_of_tests on slotbase.delivery_bodies (facility_id, event_id) where is_test;
comment on table  slotbase.delivery_bodies is 'The body of each delivery in a format other than slotbase, and of each test, as it was made before the first request. Every attempt sends it.';
comment on column slotbase.delivery_bodies.replay is 'As in delivery_queue: a replay is a delivery of its own, with a body made anew.';
comment on column slotbase.delivery_bodies.content_type is 'The Content-Type header of the requests.';
comment on column slotbase.delivery_bodies.headers is 'Headers that belong to the format, such as ce-id of CloudEvents in binary mode.';
comment on column slotbase.delivery_bodies.is_test is 'A test: its event is the catalogue''s sample, is in no log, and reached this webhook alone.';
insert into slotbase.partitioned_tables values ('delivery_bodies');
select slotbase.ensure_partitions();

insert into slotbase.retention_rules (name, ends, says, why) values
  ('delivery_bodies', 'month', '', 'what its deliveries sent');
-- Other words, and no change of the rule: the audit trail need not have it.
alter table slotbase.retention_rules disable trigger user;
update slotbase.retention_rules set why = 'a row per partitioned table' where name = 'partitioned_tables';
alter table slotbase.retention_rules enable trigger user;

do $$ begin
  if exists (select from pg_roles where rolname = 'slotbase_reader') then
    grant select on slotbase.delivery_bodies to slotbase_reader;
    grant select (format, template, content_type, format_changed_at) on slotbase.webhooks to slotbase_reader;
  end if;
end $$;
