-- What was lost twice is sent alone, as runs are: the third unknown outcome is a dead letter, and it must be the delivery's own
-- doing. Before, everything that a process had claimed shared the fate of the one delivery that ends it: after three processes
-- each of up to 512 neighbours was a dead letter, most of them never sent. These have an index of their own, which is nearly
-- always empty, so that each claim can look for them.

create index delivery_queue_alone on slotbase.delivery_queue (webhook_id, ready_at) where unknowns > 1;

comment on column slotbase.delivery_queue.unknowns is 'Attempts whose outcome nobody knows, because the process died during them; at most three. After two it is sent alone, so that the third is its own doing.';
