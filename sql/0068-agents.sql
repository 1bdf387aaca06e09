-- What services for text and speech cost, a price on each call and a budget in money; and words that a phone has heard.

alter table slotbase.agent_settings
  add column monthly_amount bigint constraint monthly_amount_not_negative check (monthly_amount between 0 and 1000000000000);
comment on column slotbase.agent_settings.monthly_amount is 'What services outside may cost in a calendar month (UTC), in minor units of the facility''s currency; null: tokens alone count.';

alter table slotbase.agent_calls
  add column currency text,
  add column price    numeric constraint agent_price_not_negative check (price >= 0),
  add constraint agent_price_has_its_currency check ((price is null) = (currency is null));
comment on column slotbase.agent_calls.currency is 'The facility''s, when the call was begun; null: no price was configured in it.';
comment on column slotbase.agent_calls.price is 'Minor units of the currency for a million tokens, as the operator had configured it when the call was begun.';

comment on column slotbase.media_outputs.label is 'thumbnail, 720p (the shorter side of a video), sound, or webp-1024, avif-1024 and jpeg-2048 (the longer side of a photo).';

do $$ begin
  if exists (select from pg_roles where rolname = 'slotbase_reader') then
    grant select (currency, price) on slotbase.agent_calls to slotbase_reader;
  end if;
end $$;

-- Phones write down what they hear, and keep it in the file of the recording. Such words need no service outside.
create table slotbase.voice_note_words (
  media_id    uuid        not null,
  facility_id uuid        not null,
  words       text        not null constraint voice_note_says_something check (words <> ''),
  found_at    timestamptz not null default slotbase.now(),
  primary key (media_id, facility_id),
  foreign key (media_id, facility_id) references slotbase.media (id, facility_id) on delete cascade
);
comment on table  slotbase.voice_note_words is 'What was said in a voice note, as the phone that recorded it had written into the file.';

insert into slotbase.retention_rules (name, ends, says, why) values
  ('voice_note_words', 'with', 'its file', 'the feedback is improved from them');

do $$ begin
  if exists (select from pg_roles where rolname = 'slotbase_reader') then
    grant select (media_id, facility_id, found_at) on slotbase.voice_note_words to slotbase_reader;
  end if;
end $$;
