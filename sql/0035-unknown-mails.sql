-- A mail that is sent again may come twice when nobody knows what became of the send before. "attempts" counted that one like a send
-- that was certainly refused; now it can be told apart.
alter table slotbase.notifications add column unknown_outcomes smallint not null default 0;
comment on column slotbase.notifications.unknown_outcomes is 'Sends of which nobody knows whether they arrived, before the message was sent again: so often it may have come besides.';

-- A message is written once and changed twice, when its send begins and when it has ended. What is wide of it (body and HTML) is kept
-- beside the row, so that a change copies two pointers instead of kilobytes; with a fifth of each page left free the new row stays on
-- its page, for no indexed column changes, and its indexes are left alone.
alter table slotbase.notifications set (toast_tuple_target = 256, fillfactor = 80);
