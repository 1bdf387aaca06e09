-- What a child without an address is told, a parent reads: inside the program, in a browser, on a phone.

alter table slotbase.notifications add column about_user_id uuid;
comment on column slotbase.notifications.about_user_id is
  'The child whom it is about, when it is the message of the child''s parent; null: it is about its reader. The mail of a child is the child''s own row.';

-- Two children of one parent in one booking are two messages.
drop index slotbase.notification_intended_once;
create unique index notification_intended_once
  on slotbase.notifications (event_id, user_id, channel, template_id, address, about_user_id) nulls not distinct;

-- Texts that are held are told to the platform's administrators too. Push messages are never held as a whole.
alter table slotbase.platform_health drop constraint trouble_is_known;
alter table slotbase.platform_health add constraint trouble_is_known
  check (trouble in ('mail_held', 'texts_held', 'dead_letters', 'dead_passes', 'failing_jobs'));
comment on column slotbase.platform_health.trouble is
  'mail_held, texts_held: the service of the channel takes nothing. dead_letters: runs of handlers were given up. dead_passes, failing_jobs: passes of actors, or runs of scheduled jobs, failed at every attempt.';
comment on column slotbase.platform_health.detail is 'The last answer of the service, or the newest error.';
