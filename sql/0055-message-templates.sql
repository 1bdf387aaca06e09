-- The words of a facility's own in the messages to its people. What a facility has not changed stays built in.

create table slotbase.message_templates (
  facility_id uuid        not null references slotbase.facilities (id),
  template_id text        not null constraint template_id_is_short check (length(template_id) <= 60),
  language    text        not null constraint template_language_is_known check (language in ('en', 'de')),
  subject     text        constraint own_subject_is_short check (length(subject) <= 1000),
  short       text        constraint own_short_is_short check (length(short) <= 1000),
  heading     text        constraint own_heading_is_short check (length(heading) <= 1000),
  lead        text        constraint own_lead_is_short check (length(lead) <= 1000),
  note        text        constraint own_note_is_short check (length(note) <= 1000),
  version     integer     not null default 1,
  updated_by  uuid        not null references slotbase.users (id),
  updated_at  timestamptz not null default slotbase.now(),
  primary key (facility_id, template_id, language),
  constraint own_words_say_something check (num_nonnulls(subject, short, heading, lead, note) > 0)
);
create index message_templates_by_person on slotbase.message_templates (updated_by);
comment on table  slotbase.message_templates is 'The words of a facility''s own for a message, in one language. Each is Liquid of one line. Null: the built-in words.';
comment on column slotbase.message_templates.template_id is 'The name of a message, such as booking-confirmation.';
comment on column slotbase.message_templates.short is 'One or two sentences, for push, text messages and the browser.';
comment on column slotbase.message_templates.note is 'Under the mail''s link. Empty: the mail has no note.';
comment on column slotbase.message_templates.version is 'How often these words were saved with a difference.';

-- Words that fail at a message give way to the built-in ones. The row of the message says so, for staff.
alter table slotbase.notifications add column words_fault text
  constraint words_fault_is_short check (length(words_fault) <= 500);
comment on column slotbase.notifications.words_fault is 'Why the facility''s own words were not used. Null: they were used, or there are none.';
create index notifications_without_own_words on slotbase.notifications (created_at desc)
  where words_fault is not null;

insert into slotbase.retention_rules (name, ends, says, why) values
  ('message_templates', 'never', '', 'a row per facility, message and language');

-- "slotbase grant-reader" runs these lines again, for a role that was made after the migrations.
do $$ begin
  if exists (select from pg_roles where rolname = 'slotbase_reader') then
    grant select on slotbase.message_templates to slotbase_reader;
  end if;
end $$;
