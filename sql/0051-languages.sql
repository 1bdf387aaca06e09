-- Messages are written in the language of the reader, and with the times of the reader's zone where it differs. Null on
-- a person: as the facility has it.

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

do $$ begin
  if exists (select from pg_roles where rolname = 'slotbase_reader') then
    grant select (language, timezone) on slotbase.users to slotbase_reader;
  end if;
end $$;
