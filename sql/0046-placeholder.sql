-- The place of another file.
select 1;
