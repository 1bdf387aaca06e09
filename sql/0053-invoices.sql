-- Papers that add up: invoices and credit notes, numbered without gaps, and never changed once they are issued.
-- The number is taken from a counter row in the transaction of the paper. A second counter outside of it (a sequence)
-- would lose numbers with every rollback.

create table slotbase.invoice_settings (
  facility_id      uuid        primary key references slotbase.facilities (id),
  legal_name       text        not null,
  street           text        not null,
  postcode         text        not null,
  city             text        not null,
  country          text        not null constraint seller_country_is_iso_3166 check (country ~ '^[A-Z]{2}$'),
  vat_id           text,
  tax_number       text,
  exemption_reason text,
  email            text,
  account_holder   text,
  iban             text,
  bic              text,
  number_prefix    text        not null default 'INV' constraint number_prefix_is_letters check (number_prefix ~ '^[A-Z]{1,8}$'),
  numbering        text        not null default 'yearly' constraint numbering_is_known check (numbering in ('yearly', 'continuous')),
  language         text        not null default 'en' constraint paper_language_is_known check (language in ('en', 'de')),
  updated_at       timestamptz not null default slotbase.now(),
  constraint bic_belongs_to_an_iban check (bic is null or iban is not null)
);
comment on table  slotbase.invoice_settings is 'The seller of a facility''s papers, and how they are numbered. A paper copies them when it is issued. The row of the platform facility is the seller of subscriptions.';
comment on column slotbase.invoice_settings.vat_id is 'Such as DE123456789. A paper with tax needs this or tax_number.';
comment on column slotbase.invoice_settings.exemption_reason is 'Why lines without tax have none, such as a section of a law. An invoice with such a line needs it.';
comment on column slotbase.invoice_settings.number_prefix is 'The letters before the number: INV-2026-00001, or INV-000001 when numbering is continuous.';
comment on column slotbase.invoice_settings.numbering is 'yearly: begins at 1 each calendar year of the facility''s time zone; continuous: never begins again. Each has its counter.';
comment on column slotbase.invoice_settings.language is 'The language of a paper''s page, unless its reader asks for another.';

create table slotbase.invoice_counters (
  facility_id uuid   primary key references slotbase.facilities (id),
  year        integer not null default 0,
  of_year     bigint  not null default 0,
  continuous  bigint  not null default 0
) with (fillfactor = 50);
comment on table  slotbase.invoice_counters is 'The last numbers of a seller. The row is locked while a paper is issued. So papers of a seller are issued one after the other.';
comment on column slotbase.invoice_counters.of_year is 'The last yearly number, of "year".';
comment on column slotbase.invoice_counters.continuous is 'The last continuous number.';

create table slotbase.invoice_addresses (
  billing_account_id uuid        not null,
  facility_id        uuid        not null,
  name               text        not null,
  street             text        not null,
  postcode           text        not null,
  city               text        not null,
  country            text        not null constraint buyer_country_is_iso_3166 check (country ~ '^[A-Z]{2}$'),
  vat_id             text,
  reference          text,
  updated_at         timestamptz not null default slotbase.now(),
  primary key (billing_account_id, facility_id),
  foreign key (billing_account_id, facility_id) references slotbase.billing_accounts (id, facility_id)
);
comment on table  slotbase.invoice_addresses is 'The name and address that a payer wants on its papers. Without a row a paper names the billing account alone.';
comment on column slotbase.invoice_addresses.reference is 'What the payer wants to read on each paper, such as a cost centre.';

create table slotbase.invoices (
  id                 uuid        not null,
  facility_id        uuid        not null references slotbase.facilities (id),
  seller_id          uuid        not null references slotbase.facilities (id),
  number             text        not null,
  year               integer     not null,
  counter            bigint      not null constraint counter_begins_at_one check (counter > 0),
  kind               text        not null constraint paper_kind_is_known check (kind in ('invoice', 'credit_note')),
  source_type        text        not null constraint paper_source_is_known check (source_type in
                       ('payment', 'offline_payment', 'refund', 'refund_returned', 'bill')),
  source_id          uuid        not null,
  corrects_id        uuid,
  root_id            uuid        not null,
  billing_account_id uuid        not null,
  payer_id           uuid        references slotbase.users (id),
  debtor_id          uuid        references slotbase.users (id),
  reference_type     text        constraint paper_reference_is_known check (reference_type in ('booking', 'subscription', 'invoice')),
  reference_id       uuid,
  currency           text        not null,
  net                bigint      not null,
  tax                bigint      not null,
  gross              bigint      not null constraint paper_is_of_something check (gross > 0),
  issued_on          date        not null,
  supplied_from      date        not null,
  supplied_to        date        not null,
  due_on             date,
  payment            jsonb,
  lines              jsonb       not null constraint paper_has_lines check (jsonb_array_length(lines) > 0),
  taxes              jsonb       not null,
  seller             jsonb       not null,
  buyer              jsonb       not null,
  note               text,
  language           text        not null constraint issued_language_is_known check (language in ('en', 'de')),
  missing            text[]      not null default '{}',
  issued_at          timestamptz not null default slotbase.now(),
  foreign key (billing_account_id, facility_id) references slotbase.billing_accounts (id, facility_id),
  constraint net_and_tax_are_gross check (net + tax = gross),
  constraint lines_sum_to_gross check (gross = slotbase.sum_of_lines(lines)),
  constraint credit_note_names_its_invoice check ((kind = 'credit_note') = (source_type = 'refund') and (kind = 'invoice' or corrects_id is not null)),
  constraint supplied_in_order check (supplied_from <= supplied_to),
  constraint paid_or_due check (num_nonnulls(payment, due_on) = 1)
);
create unique index invoice_number_once on slotbase.invoices (seller_id, number);
create unique index invoice_counter_once on slotbase.invoices (seller_id, year, counter);
create unique index issued_once_per_source on slotbase.invoices (source_id, facility_id, source_type);
create index invoices_of_facility on slotbase.invoices (facility_id, id);
create index invoices_by_day on slotbase.invoices (facility_id, issued_on, id);
create index invoices_of_payer on slotbase.invoices (payer_id, facility_id, id);
create index invoices_of_debtor on slotbase.invoices (debtor_id, facility_id, id);
create index invoices_of_account on slotbase.invoices (billing_account_id, facility_id, id);
create index invoices_of_reference on slotbase.invoices (reference_id, facility_id) where reference_id is not null;
create index corrections_of_invoice on slotbase.invoices (corrects_id, facility_id) where corrects_id is not null;
create index papers_of_root on slotbase.invoices (root_id, facility_id);
-- The key comes last. In a table that was never analyzed the planner finds several indexes alike, and takes the newest.
-- The checks of the foreign keys must read by the key.
alter table slotbase.invoices
  add primary key (id, facility_id),
  add foreign key (corrects_id, facility_id) references slotbase.invoices (id, facility_id),
  add foreign key (root_id, facility_id) references slotbase.invoices (id, facility_id);
comment on table  slotbase.invoices is 'Papers: an invoice for each payment or bill, a credit note for each refund. A row is never changed or removed: what was wrong is set right by a paper of its own.';
comment on column slotbase.invoices.seller_id is 'Whose paper it is: the facility, or the platform for a subscription. Numbers have no gap within a seller.';
comment on column slotbase.invoices.year is 'The year of a yearly number; 0: the number is continuous.';
comment on column slotbase.invoices.counter is 'The number within the year, or of all years. It begins at 1.';
comment on column slotbase.invoices.source_id is 'The payment, offline payment, refund or bill that it is for. One paper each. refund_returned: the bank sent a refund back.';
comment on column slotbase.invoices.corrects_id is 'The invoice that a credit note corrects, or the credit note that a returned refund takes back.';
comment on column slotbase.invoices.root_id is 'The invoice that all of its corrections lead to; an invoice without corrections is its own.';
comment on column slotbase.invoices.gross is 'Minor units of currency, with the tax; positive on credit notes too.';
comment on column slotbase.invoices.issued_on is 'Local day of the facility.';
comment on column slotbase.invoices.supplied_from is 'The first local day of what was sold; supplied_to is the last.';
comment on column slotbase.invoices.due_on is 'Until when it is to be paid; null: it was paid when it was issued.';
comment on column slotbase.invoices.payment is 'How and when it was paid; null: it is not paid yet.';
comment on column slotbase.invoices.lines is 'What was sold: key, label, amount (with tax), taxRate, taxAmount, quantity. The view invoice_lines lists them.';
comment on column slotbase.invoices.taxes is 'The sums by tax rate: rate, net, tax, gross.';
comment on column slotbase.invoices.seller is 'The seller as it was when the paper was issued.';
comment on column slotbase.invoices.missing is 'What the seller had not said when it was issued. Not empty: the paper is a receipt and no invoice, and has no XML.';

create table slotbase.invoice_papers (
  invoice_id  uuid        not null,
  facility_id uuid        not null,
  form        text        not null constraint paper_form_is_known check (form in ('xml', 'pdf-en', 'pdf-de')),
  content     bytea       not null,
  sha256      text        not null generated always as (encode(sha256(content), 'hex')) stored,
  made_at     timestamptz not null default slotbase.now(),
  primary key (invoice_id, facility_id, form),
  foreign key (invoice_id, facility_id) references slotbase.invoices (id, facility_id)
);
comment on table  slotbase.invoice_papers is 'The files of papers. Each is made when somebody first asks for it, and is the same bytes from then on.';

create function slotbase.keep_papers() returns trigger language plpgsql as $$
begin
  raise exception 'slotbase.% is never changed: what was wrong is set right by a paper of its own', tg_table_name
    using errcode = 'restrict_violation';
end $$;
comment on function slotbase.keep_papers() is 'Refuses to change or remove papers.';
create trigger invoices_are_never_changed before update or delete or truncate on slotbase.invoices
  for each statement execute function slotbase.keep_papers();
create trigger papers_are_never_changed before update or delete or truncate on slotbase.invoice_papers
  for each statement execute function slotbase.keep_papers();

-- For people who ask the database: one row a paper, amounts with their sign.
create view slotbase.invoice_list as
select i.issued_on, i.number, i.kind, f.name as facility, i.seller ->> 'legalName' as seller, i.buyer ->> 'name' as buyer,
       case when i.kind = 'invoice' then i.net else -i.net end as net, case when i.kind = 'invoice' then i.tax else -i.tax end as tax,
       case when i.kind = 'invoice' then i.gross else -i.gross end as gross, i.currency, i.due_on, i.payment ->> 'method' as paid_by,
       c.number as corrects, i.reference_type, i.reference_id, i.source_type, i.source_id, i.missing, i.issued_at,
       i.id, i.facility_id, i.seller_id, i.billing_account_id, i.payer_id
from slotbase.invoices i
join slotbase.facilities f on f.id = i.facility_id
left join slotbase.invoices c on c.id = i.corrects_id and c.facility_id = i.facility_id;
comment on view slotbase.invoice_list is 'The papers, one row each: order by issued_on, number. The amounts of credit notes are negative.';

create view slotbase.invoice_lines as
select i.id as invoice_id, i.facility_id, i.number, l.line, l.value ->> 'label' as label,
       s.sign * (l.value ->> 'amount')::bigint as gross, s.sign * (l.value ->> 'taxAmount')::bigint as tax,
       (l.value ->> 'taxRate')::integer as tax_rate, i.currency, i.issued_on
from slotbase.invoices i
cross join lateral (select case when i.kind = 'invoice' then 1 else -1 end as sign) s
cross join lateral jsonb_array_elements(i.lines) with ordinality as l (value, line);
comment on view   slotbase.invoice_lines is 'The lines of the papers; those of credit notes are negative.';
comment on column slotbase.invoice_lines.tax_rate is 'Hundredths of a percent.';

-- Each movement of money in the ledger, and its paper. An accountant looks for the rows that do not agree.
create view slotbase.invoice_check as
select m.recorded_at, f.name as facility, m.kind, m.amount as money, p.amount as papers, p.number, m.currency,
       m.amount = coalesce(p.amount, 0) as agrees, m.source_id, m.reference_type, m.reference_id, m.facility_id
from (
  select source_id, facility_id, kind, min(recorded_at) as recorded_at, sum(amount)::bigint as amount, min(currency) as currency,
         min(reference_type) as reference_type, min(reference_id::text)::uuid as reference_id
  from slotbase.payment_ledger
  where account in ('provider', 'till')
  group by source_id, facility_id, kind
) m
join slotbase.facilities f on f.id = m.facility_id
left join lateral (
  select i.number, case when i.kind = 'invoice' then i.gross else -i.gross end as amount
  from slotbase.invoices i
  where i.source_id = m.source_id and i.facility_id = m.facility_id
    and i.source_type = case m.kind when 'refund_handed_back' then 'refund' else m.kind end
) p on true;
comment on view slotbase.invoice_check is 'Each payment and refund of the ledger beside its paper. agrees is false while a paper is not issued yet, and for money from before papers were issued.';

insert into slotbase.retention_rules (name, ends, says, why) values
  ('invoice_addresses', 'never', '', 'a row per payer who gave one'),
  ('invoice_counters',  'never', '', 'a row per facility; a number is never given twice'),
  ('invoice_papers',    'never', '', 'tax law: papers are kept for ten years, in some countries longer'),
  ('invoice_settings',  'never', '', 'a row per facility'),
  ('invoices',          'never', '', 'tax law: papers are kept for ten years, in some countries longer');

do $$
begin
  if exists (select from pg_roles where rolname = 'slotbase_reader') then
    grant select on slotbase.invoice_settings, slotbase.invoice_counters, slotbase.invoice_addresses, slotbase.invoices,
      slotbase.invoice_list, slotbase.invoice_lines, slotbase.invoice_check to slotbase_reader;
    grant select (invoice_id, facility_id, form, sha256, made_at) on slotbase.invoice_papers to slotbase_reader;
  end if;
end $$;
