-- Media in shape. A file that came with feedback is turned into forms that browsers play: a ladder of videos, a
-- levelled recording, pictures and a thumbnail. That is long work outside of any transaction. So each file has a row
-- that says how far its work has come, who does it under which lease, and how it ended. A large file also arrives in
-- parts. Each part is stored and has its row before the next one, so an upload goes on where it was cut.

create table slotbase.media_processing (
  media_id       uuid        not null,
  facility_id    uuid        not null,
  event_id       uuid        not null,
  correlation_id uuid        not null,
  user_id        uuid,
  state          text        not null default 'waiting' constraint media_processing_state_is_known
                             check (state in ('waiting', 'running', 'done', 'failed')),
  step           text        constraint media_processing_step_is_known
                             check (step in ('reading', 'thumbnail', 'measuring', 'transcoding', 'storing')),
  progress       smallint    not null default 0 constraint media_progress_is_percent check (progress between 0 and 100),
  attempts       smallint    not null default 0,
  due_at         timestamptz not null default slotbase.now(),
  lease          bigint,
  owner          bigint,
  beat_at        timestamptz,
  started_at     timestamptz,
  ended_at       timestamptz,
  reason_code    text,
  reason         text,
  reported       boolean     not null default false,
  created_at     timestamptz not null default slotbase.now(),
  primary key (media_id, facility_id),
  foreign key (media_id, facility_id) references slotbase.media (id, facility_id) on delete cascade,
  constraint running_media_has_a_lease check ((state = 'running') = (lease is not null) and (lease is null) = (owner is null)),
  constraint failed_media_has_a_reason check ((state = 'failed') = (reason_code is not null))
);
create index media_processing_open on slotbase.media_processing (due_at) where state in ('waiting', 'running');
create index media_processing_turns on slotbase.media_processing (facility_id, started_at desc nulls last);
comment on table  slotbase.media_processing is 'How far a file of feedback has come on its way to the forms that browsers play: one row per file.';
comment on column slotbase.media_processing.event_id is 'media.uploaded, which caused the work.';
comment on column slotbase.media_processing.progress is 'Percent of all steps of the present attempt.';
comment on column slotbase.media_processing.attempts is 'Attempts that were begun. After three without an end the file has failed.';
comment on column slotbase.media_processing.lease is 'Fencing token of the process that works on it: what was begun under an older one can no longer be settled.';
comment on column slotbase.media_processing.owner is 'That process (processes.id). The work is free again when its life sign ends.';
comment on column slotbase.media_processing.beat_at is 'The last sign of progress. Work that stands still for ten minutes is free again.';
comment on column slotbase.media_processing.reported is 'The run of MediaProcessingHandler has ended with the failure. When its dead letter is reprocessed, the work begins anew.';

create table slotbase.media_outputs (
  id               uuid             not null,
  facility_id      uuid             not null,
  media_id         uuid             not null,
  purpose          text             not null constraint media_output_purpose_is_known check (purpose in ('thumbnail', 'rendition')),
  label            text             not null,
  content_type     text             not null,
  width            integer          constraint media_output_width_is_positive check (width > 0),
  height           integer          constraint media_output_height_is_positive check (height > 0),
  duration_seconds double precision constraint media_output_duration_not_negative check (duration_seconds >= 0),
  file_size_bytes  bigint           not null constraint media_output_is_not_empty check (file_size_bytes > 0),
  stored_in        text             not null constraint media_output_storage_is_known check (stored_in in ('disk', 's3')),
  created_at       timestamptz      not null default slotbase.now(),
  primary key (id, facility_id),
  foreign key (media_id, facility_id) references slotbase.media (id, facility_id) on delete cascade,
  constraint media_output_is_made_once unique (media_id, facility_id, label)
);
comment on table  slotbase.media_outputs is 'A form of a file that browsers play. Its bytes are under facility_id/id in the storage; the job upload-cleanup removes bytes without a row.';
comment on column slotbase.media_outputs.label is 'thumbnail, 720p (the shorter side of a video), sound, or webp-1024 and jpeg-2048 (the longer side of a photo).';

create table slotbase.uploads (
  id           uuid        not null,
  facility_id  uuid        not null,
  feedback_id  uuid        not null,
  user_id      uuid        not null references slotbase.users (id),
  length       bigint      not null constraint upload_is_not_empty check (length > 0),
  received     bigint      not null default 0,
  metadata     text        not null default '',
  file_name    text        not null default '',
  is_voice_note boolean    not null default false,
  sha256       text        constraint upload_hash_is_sha256 check (sha256 ~ '^[0-9a-f]{64}$'),
  media_id     uuid,
  expires_at   timestamptz not null,
  created_at   timestamptz not null default slotbase.now(),
  primary key (id, facility_id),
  foreign key (feedback_id, facility_id) references slotbase.feedback (id, facility_id) on delete cascade,
  constraint upload_is_within_its_length check (received between 0 and length),
  constraint whole_upload_is_a_file check ((received = length) = (media_id is not null))
);
create index uploads_by_end on slotbase.uploads (expires_at);
create index uploads_of_user on slotbase.uploads (user_id);
create index uploads_of_feedback on slotbase.uploads (feedback_id);
comment on table  slotbase.uploads is 'A file that arrives in parts (tus 1.0). Its last part, its row of media and media.uploaded are written in one transaction.';
comment on column slotbase.uploads.length is 'Bytes of the whole file, as the client announced them.';
comment on column slotbase.uploads.received is 'Bytes that are stored and have their rows: where the client goes on.';
comment on column slotbase.uploads.metadata is 'Upload-Metadata as the client sent it.';
comment on column slotbase.uploads.sha256 is 'Of the whole file: announced by the client, or found when it was whole.';
comment on column slotbase.uploads.media_id is 'The file that the whole upload became; it may have been removed since.';

create table slotbase.upload_parts (
  id          uuid    not null,
  facility_id uuid    not null,
  upload_id   uuid    not null,
  start       bigint  not null constraint upload_part_start_not_negative check (start >= 0),
  size        bigint  not null constraint upload_part_is_not_empty check (size > 0),
  stored_in   text    not null constraint upload_part_storage_is_known check (stored_in in ('disk', 's3')),
  primary key (id, facility_id),
  foreign key (upload_id, facility_id) references slotbase.uploads (id, facility_id) on delete cascade,
  constraint upload_part_comes_once unique (upload_id, facility_id, start)
);
comment on table slotbase.upload_parts is 'The parts of an upload that is not whole. The bytes of each are under facility_id/id in the storage; the job upload-cleanup removes bytes without a row.';

-- The check of a foreign key to a file would read by this index, if another part of the key were in it.
drop index slotbase.media_of_feedback;
create index media_of_feedback on slotbase.media (feedback_id);

insert into slotbase.retention_rules (name, ends, says, why) values
  ('media_processing', 'with', 'its file', 'says how the file was processed'),
  ('media_outputs',    'with', 'its file', 'forms of the file that browsers play'),
  ('upload_parts',     'with', 'its upload, or when that is whole', 'what has arrived of a file');
insert into slotbase.retention_rules (name, ends, says, done_by, why) values
  ('uploads', 'after', 'a day after its last part', 'upload-cleanup', 'a client goes on with a cut upload within hours');

do $$ begin
  if exists (select from pg_roles where rolname = 'slotbase_reader') then
    grant select on slotbase.media_processing, slotbase.media_outputs, slotbase.uploads, slotbase.upload_parts to slotbase_reader;
  end if;
end $$;
