-- append_line --
insert into journal (chain_id, sequence, workflow_id, case_number, at, kind, name, stage, actor, what, digest)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
on conflict (chain_id, sequence) do nothing
returning sequence

-- line_digest --
select digest from journal where chain_id = $1 and sequence = $2

-- draw_number --
insert into number_series (series, last) values ($1, 1)
on conflict (series) do update set last = number_series.last + 1
returning last

-- number_of --
select number from cases where workflow_id = $1 and chain_id = $2

-- write_case --
insert into cases (workflow_id, chain_id, number, case_number, type, kind, org_number, organisation, stage,
    outcome, waiting_on, waiting_since, waiting_rule, waiting_due, handler, owner, opened_at, ended_at,
    version, updated_at, view)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21)
on conflict (workflow_id) do update set
    chain_id = excluded.chain_id, number = excluded.number, case_number = excluded.case_number,
    type = excluded.type, kind = excluded.kind,
    org_number = excluded.org_number, organisation = excluded.organisation, stage = excluded.stage,
    outcome = excluded.outcome, waiting_on = excluded.waiting_on, waiting_since = excluded.waiting_since,
    waiting_rule = excluded.waiting_rule, waiting_due = excluded.waiting_due, handler = excluded.handler,
    owner = excluded.owner, opened_at = excluded.opened_at, ended_at = excluded.ended_at,
    version = excluded.version, updated_at = excluded.updated_at, view = excluded.view
where cases.chain_id <> excluded.chain_id or cases.version <= excluded.version

-- case_by_ref --
select * from cases where workflow_id = $1 or number = $1

-- parts_of --
with recursive parts as (
    select * from cases where owner = $1
    union
    select cases.* from cases join parts on cases.owner = parts.workflow_id
)
select * from parts order by opened_at, workflow_id

-- list_cases --
select * from cases
where ($1::text is null or type = $1)
  and ($2::text is null or stage = $2)
  and ($3::text is null or waiting_on = $3)
  and ($4::text is null or handler = $4)
  and ($5::text is null or org_number = $5)
  and ($6::date is null or waiting_due < $6)
  and ($7::text is null or number ilike '%' || $7 || '%' or organisation ilike '%' || $7 || '%'
       or org_number ilike '%' || $7 || '%')
  and (not $8::boolean or exists (
       select from incidents where incidents.workflow_id = cases.workflow_id
       and (attempts >= 3 or unmendable)))
  and ($9::boolean or ended_at is null)
  and ($10::text is null or workflow_id > $10)
  and ($12::text is null or kind = $12)
order by workflow_id
limit $11

-- of_organisation --
select * from cases where org_number = $1 order by opened_at, workflow_id

-- journal_of --
select * from journal where workflow_id = $1 or case_number = $1 order by at, workflow_id, sequence

-- journal_chain --
select * from journal order by chain_id, sequence

-- store_document --
insert into documents (document_id, media_type, size, pages, data) values ($1, $2, $3, $4, $5)
on conflict (document_id) do nothing

-- link_document --
insert into document_links (document_id, ref, file_name, kind, stored_by, stored_at)
values ($1, $2, $3, $4, $5, $6)
on conflict (document_id, ref) do nothing

-- read_document --
select media_type, data from documents where document_id = $1

-- documents_of --
select document_links.*, documents.media_type, documents.size, documents.pages
from document_links join documents using (document_id)
where ref = any($1::text[]) order by stored_at, document_id

-- write_offer --
insert into offers (offer_id, ref, generation, offered_to, expires_at, token_hash, key_id, wrapped_key, sealed)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
on conflict (offer_id) do update set
    expires_at = excluded.expires_at, offered_to = excluded.offered_to, key_id = excluded.key_id,
    wrapped_key = excluded.wrapped_key, sealed = excluded.sealed, token_hash = excluded.token_hash
where offers.fetched_at is null

-- destroy_offers --
update offers set sealed = null, wrapped_key = null where ref = $1

-- destroy_older_offers --
update offers set sealed = null, wrapped_key = null where ref = $1 and generation < $2

-- offer_by_token --
select * from offers where token_hash = $1 for update

-- offer_key --
select key_id, offer_id from offers where offer_id = $1

-- mark_fetched --
update offers set fetched_at = $2, sealed = null, wrapped_key = null where offer_id = $1

-- count_wrong_try --
update offers set wrong_tries = wrong_tries + 1 where offer_id = $1

-- cancel_offer --
update offers set sealed = null, wrapped_key = null where offer_id = $1 returning fetched_at

-- untold_offers --
select offer_id, ref from offers where fetched_at is not null and told_at is null order by fetched_at

-- mark_told --
update offers set told_at = $2 where offer_id = $1

-- incident_failed --
insert into incidents (workflow_id, operation, system, since, attempts, status, said, unmendable, next_try_at, updated_at)
values ($1, $2, $3, $4, 1, $5, $6, $7, $8, $4)
on conflict (workflow_id, operation) do update set
    attempts = incidents.attempts + 1, status = excluded.status, said = excluded.said,
    unmendable = excluded.unmendable, next_try_at = excluded.next_try_at, updated_at = excluded.updated_at

-- incident_cleared --
delete from incidents where workflow_id = $1 and operation = $2 returning operation

-- incidents_forgotten --
delete from incidents where workflow_id = $1 and not operation = any($2::text[])
    and operation not like 'notice:%'

-- incidents_failing --
select * from incidents where system = $1 order by since

-- incidents_open --
select * from incidents where (attempts >= 3 or unmendable)
    and ($1::text[] is null or workflow_id = any($1)) order by since
