-- Messages are written in the language of the reader, and with the times of the reader's zone where it differs. Null on
-- a person: as the facility has it. A facility may replace the words of a message.

alter table slotbase.users
  add column language text constraint user_language_is_known check (language in ('en', 'de')),
  add column timezone text constraint user_timezone_is_named check (timezone <> '');
comment on column slotbase.users.language is 'In which messages to this person are written; null: that of the facility.';
comment on column slotbase.users.timezone is 'IANA time zone of this person; null: that of the facility.';

alter table slotbase.facilities
  add column language text not null default 'en' constraint facility_language_is_known check (language in ('en', 'de'));
comment on column slotbase.facilities.language is 'In which messages are written to people who have chosen no language.';

alter table slotbase.notifications add column language text;
comment on column slotbase.notifications.language is 'In which it is written; null: from before there were languages, in English.';

create table slotbase.message_templates (
  facility_id uuid        not null references slotbase.facilities (id),
  template_id text        not null,
  language    text        not null constraint message_template_language_is_known check (language in ('en', 'de')),
  fields      jsonb       not null constraint message_template_fields_are_an_object check (jsonb_typeof(fields) = 'object'),
  updated_by  uuid        not null references slotbase.users (id),
  updated_at  timestamptz not null default slotbase.now(),
  primary key (facility_id, template_id, language)
);
create index message_templates_by_author on slotbase.message_templates (updated_by);
comment on table  slotbase.message_templates is 'The words of a facility in place of the built-in ones, per message and language.';
comment on column slotbase.message_templates.template_id is 'The name of the message, such as booking-confirmation.';
comment on column slotbase.message_templates.fields is 'The replaced fields (subject, heading, lead, note, short), each a Liquid template; the others are built in.';
insert into slotbase.retention_rules (name, ends, says, why) values
  ('message_templates', 'never', '', 'settings of the club; they stay until it takes them back');

do $$ begin
  if exists (select from pg_roles where rolname = 'slotbase_reader') then
    grant select (language, timezone) on slotbase.users to slotbase_reader;
    grant select on slotbase.message_templates to slotbase_reader;
  end if;
end $$;
