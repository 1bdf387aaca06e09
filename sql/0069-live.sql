-- The availability of a facility without an account: who may take part is another question than who may look. Slots
-- name nobody, but they show how full a club is, so a facility decides it, and the default is no.

alter table slotbase.facilities add column public_availability boolean not null default false;
comment on column slotbase.facilities.public_availability is 'Whether anybody may see which slots are free, without an account.';
