-- What is wanted done, and people by their address, are found without reading every case.
create index cases_pending on cases (workflow_id) where ended_at is null and view -> 'pending' <> '[]';
create index people_by_email on cases (lower(view -> 'details' -> 'person' ->> 'email')) where type = 'PersonAccess';
