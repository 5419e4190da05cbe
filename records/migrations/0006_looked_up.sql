-- What is wanted done, and people by their address, are found without reading every view. They are
-- columns of their own: an index on the view itself would be written anew with every record.
alter table cases
    add is_pending boolean generated always as (view -> 'pending' <> '[]') stored,
    add person_email text generated always as (lower(view -> 'details' -> 'person' ->> 'email')) stored;
create index cases_pending on cases (workflow_id) where ended_at is null and is_pending;
create index cases_by_person_email on cases (person_email) where person_email is not null;
