-- Accounts: their names, addresses and passwords change, a forgotten password is set anew, and sessions are listed and
-- ended one by one.
--
-- A link of an account is single-use. Its token is derived from the row's id under the program's secret key, so no
-- table, event or log holds it. The row has the SHA-256 by which a token is found. An account has one open row of each
-- purpose: a newer link takes the row of the older one. An address that nobody has gets a row too. So an answer takes
-- the same statements and the same time for every address.

create table slotbase.account_links (
  id             uuid        primary key,
  purpose        text        not null constraint account_link_purpose_is_known check (purpose in ('password_reset', 'email_change', 'invitation')),
  user_id        uuid        references slotbase.users (id) on delete cascade,
  email          text        not null,
  previous_email text,
  token_hash     bytea       not null,
  created_at     timestamptz not null default slotbase.now(),
  expires_at     timestamptz not null,
  ended_at       timestamptz,
  subject        text        not null generated always as (coalesce(user_id::text, email)) stored,
  constraint account_link_ends_after_it_begins check (expires_at > created_at)
);
create unique index account_link_open_once on slotbase.account_links (purpose, subject) where ended_at is null;
create unique index account_link_is_known_once on slotbase.account_links (token_hash);
create index account_links_of_user on slotbase.account_links (user_id) where user_id is not null;
create index account_links_by_end on slotbase.account_links (expires_at);
comment on table  slotbase.account_links is 'Single-use links that were mailed: to set a forgotten password, to confirm a new address, to accept an invitation.';
comment on column slotbase.account_links.user_id is 'The account; null: nobody may use a link of this purpose at this address, and nothing was mailed.';
comment on column slotbase.account_links.email is 'Where the link was mailed to. Of a change of address: the new one. Without an account: a fingerprint of the address, under the secret key.';
comment on column slotbase.account_links.previous_email is 'Of a change of address: the address of the account before.';
comment on column slotbase.account_links.token_hash is 'SHA-256 of the token. The token is derived from the id under the secret key, and stored nowhere.';
comment on column slotbase.account_links.ended_at is 'When it was used, or made void by a new password; null: open until expires_at.';
comment on column slotbase.account_links.subject is 'The account, else the fingerprint: it has one open link of each purpose.';
insert into slotbase.retention_rules (name, ends, keep, at_least, says, done_by, condition, why) values
  ('account_links', 'after', '7 days', '1 day', 'after its end', 'retention',
   'expires_at < $1', 'a late mail about a changed address still finds where it goes');

-- A session has a name by which its owner ends it. The token names it to nobody.
alter table slotbase.sessions add column id uuid not null default gen_random_uuid();
alter table slotbase.sessions add column client text;
alter table slotbase.sessions add column user_agent text constraint session_user_agent_is_short check (length(user_agent) <= 256);
comment on column slotbase.sessions.client is 'The address of the sign-in, of IPv6 the network of 64 bits; null: unknown.';
comment on column slotbase.sessions.user_agent is 'What the client called itself at the sign-in; null: nothing.';

-- A mail may go to another address than that of its recipient, and may hold a link.
alter table slotbase.notifications add column address text;
alter table slotbase.notifications add column link_id uuid;
comment on column slotbase.notifications.address is 'Where it goes; null: to the address that the recipient has when it is sent.';
comment on column slotbase.notifications.link_id is 'The link (account_links) that is put into the mail when it is sent. The text that is kept here holds none.';

do $$
begin
  if exists (select from pg_roles where rolname = 'slotbase_reader') then
    grant select (id, purpose, user_id, email, previous_email, created_at, expires_at, ended_at) on slotbase.account_links to slotbase_reader;
  end if;
end $$;
