-- lock_chain --
insert into chains (chain_id, workflow_id) values ($1, $2)
on conflict (chain_id) do update set workflow_id = chains.workflow_id
returning *

-- follow_chain --
update chains set followed_by = $2
where workflow_id = $1 and ordinal < $2 and followed_by is null

-- draw_number --
insert into number_series (series, last) values ($1, 1)
on conflict (series) do update set last = number_series.last + 1
returning last

-- known_lines --
select sequence, case_number, digest from journal where chain_id = $1 and sequence between $2 and $3

-- keep_closing_view --
insert into closing_views (chain_id, kind, version, view)
select $1::text, $6::text, $20::integer, $23::jsonb
where $19::timestamptz is not null or exists (select from closing_views where chain_id = $1)
on conflict (chain_id) do update set
    kind = excluded.kind, version = excluded.version, view = excluded.view
where closing_views.version <= excluded.version

-- keep_row --
insert into cases (chain_id, workflow_id, number, case_number, type, kind, org_number, organisation,
    organisation_order, stage, outcome, waiting_on, waiting_since, waiting_rule, waiting_due, handler,
    owner, opened_at, ended_at, version, updated_at, search, view)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23)
on conflict (chain_id) do update set
    number = excluded.number, case_number = excluded.case_number,
    type = excluded.type, kind = excluded.kind, org_number = excluded.org_number,
    organisation = excluded.organisation, organisation_order = excluded.organisation_order,
    stage = excluded.stage, outcome = excluded.outcome, waiting_on = excluded.waiting_on,
    waiting_since = excluded.waiting_since, waiting_rule = excluded.waiting_rule,
    waiting_due = excluded.waiting_due, handler = excluded.handler, owner = excluded.owner,
    opened_at = excluded.opened_at, ended_at = excluded.ended_at, version = excluded.version,
    updated_at = excluded.updated_at, search = excluded.search, view = excluded.view
where cases.version <= excluded.version

-- write_case --
with closing as ({keep_closing_view})
{keep_row}

-- write_batch --
with lines as (
    insert into journal (chain_id, workflow_id, case_number, sequence, at, kind, name, stage, actor, what, digest)
    select $1, $2, $4, line.* from jsonb_to_recordset($24::jsonb) as line (
        sequence integer, at timestamptz, kind text, name text, stage text, actor jsonb, what jsonb, digest text)
), chain as (
    update chains set number = $3, last_sequence = $25, last_digest = $26 where chain_id = $1
), forgotten as (
    delete from incidents where workflow_id = $2 and not operation = any($27::text[])
        and operation not like 'notice:%' and system <> 'workflow' and updated_at <= $21
), closing as ({keep_closing_view}), written as ({keep_row})
select pg_notify('cases', $2)

-- empty_read_model --
truncate cases

-- chains_to_rebuild --
select chain_id, workflow_id from chains order by ordinal

-- known_of_chain --
select number, kind, view, view ->> 'ended_at' is not null as has_ended, (
    select at from journal where journal.chain_id = chains.chain_id order by sequence desc limit 1
) as updated_at
from chains left join closing_views using (chain_id) where chains.chain_id = $1 for update of chains

-- forget_row --
delete from cases where chain_id = $1

-- case_by_ref --
select cases.* from cases join chains using (chain_id)
where chains.number = $1 or (chains.workflow_id = $1 and chains.followed_by is null)

-- parts_of --
with recursive below as (
    select chain_id, workflow_id, ordinal, followed_by, true as is_root from chains
    where number = $1 or (workflow_id = $1 and followed_by is null)
    union
    select part.chain_id, part.workflow_id, place.ordinal, place.followed_by, false
    from below join cases part on part.owner = below.workflow_id
        join chains place on place.chain_id = part.chain_id
    where case when below.followed_by is null
        then place.ordinal > below.ordinal or part.ended_at is null
        else place.ordinal between below.ordinal and below.followed_by end
)
select cases.* from cases join below using (chain_id)
where not is_root order by cases.opened_at, cases.workflow_id

-- waits_of_parts --
with recursive below as (
    select chain_id as root, chain_id, workflow_id, ordinal, followed_by from chains
    where chain_id = any($1::text[])
    union
    select below.root, part.chain_id, part.workflow_id, place.ordinal, place.followed_by
    from below join cases part on part.owner = below.workflow_id
        join chains place on place.chain_id = part.chain_id
    where case when below.followed_by is null
        then place.ordinal > below.ordinal or part.ended_at is null
        else place.ordinal between below.ordinal and below.followed_by end
)
select distinct on (root) root, waiting_on, waiting_since, waiting_rule, waiting_due
from below join cases using (chain_id)
where chain_id <> root and ended_at is null and waiting_on is not null
order by root, array_position($2::text[], waiting_on), waiting_since

-- of_organisation --
select * from cases where org_number = $1 order by opened_at, workflow_id

-- open_cases_of --
select * from cases where org_number = $1 and kind = 'case' and ended_at is null order by opened_at, workflow_id

-- list_cases --
with wanted as (
    select cases.*, coalesce(case $1::text
            when 'number' then case_number
            when 'opened' then to_char(opened_at at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.US')
            when 'updated' then to_char(updated_at at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.US')
            when 'waiting' then to_char(waiting_since at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.US')
            when 'due' then to_char(waiting_due, 'YYYY-MM-DD')
            when 'organisation' then organisation_order
            end, case when $2::boolean then '' else '~' end) collate "C" as sort_key
    from cases
    where ($6::text is null or type = $6)
      and ($7::text is null or stage = $7)
      and ($8::text is null or waiting_on = $8 or exists (
           select from cases part where part.case_number = cases.number
           and part.waiting_on = $8 and part.ended_at is null))
      and ($9::text is null or handler = $9)
      and ($10::text is null or org_number = $10)
      and ($11::date is null or waiting_due < $11)
      and not exists (select from unnest($12::text[]) word where strpos(search, word) = 0)
      and (not $13::boolean or exists (
           select from incidents join cases failing using (workflow_id)
           where (incidents.attempts >= 3 or incidents.unmendable)
           and (failing.chain_id = cases.chain_id or failing.case_number = cases.number)
           and failing.ended_at is null
           and (operation like 'notice:%' or incidents.system = 'workflow'
                or failing.view -> 'pending' @> jsonb_build_array(jsonb_build_object('key', operation)))))
      and ($14::boolean or ended_at is null)
      and ($15::text is null or kind = $15)
)
select * from wanted
where $3::text is null
   or ($2 and (sort_key, chain_id collate "C") < ($3 collate "C", $4::text collate "C"))
   or (not $2 and (sort_key, chain_id collate "C") > ($3 collate "C", $4::text collate "C"))
order by case when $2 then sort_key end desc, case when $2 then chain_id collate "C" end desc,
    sort_key, chain_id collate "C"
limit $5

-- journal_of --
select journal.* from journal join chains using (chain_id)
where journal.case_number = $1 or (chains.workflow_id = $1 and chains.followed_by is null)
order by at, chains.ordinal, sequence

-- journal_chain --
select * from journal order by chain_id collate "C", sequence

-- all_chains --
select * from chains order by chain_id collate "C"

-- all_series --
select series, last, (
    select count(*) from chains where number like series || '-%'
) as given from number_series order by series

-- store_document --
insert into documents (document_id, media_type, size, pages, data) values ($1, $2, $3, $4, $5)
on conflict (document_id) do nothing

-- link_document --
insert into document_links (document_id, ref, chain_id, file_name, kind, stored_by, stored_at)
values ($1, $2, coalesce((
    select chain_id from chains where number = $2 or (workflow_id = $2 and followed_by is null)
), ''), $3, $4, $5, $6)
on conflict (document_id, ref, chain_id) do nothing

-- read_document --
select media_type, data from documents where document_id = $1

-- fetch_document --
select link.file_name, documents.media_type, documents.data
from documents join document_links link using (document_id)
where document_id = $1 and ref = $2 order by stored_at limit 1

-- documents_of --
select link.document_id, link.ref, link.file_name, link.kind, link.stored_by, link.stored_at,
    documents.media_type, documents.size, documents.pages
from document_links link join documents using (document_id)
where ref = any($1::text[]) and ($2::text[] is null or link.chain_id = '' or link.chain_id = any($2))
order by stored_at, document_id

-- lock_ref --
select pg_advisory_xact_lock(hashtextextended($1, 0))

-- chain_of_ref --
select coalesce(max(ordinal), 0) from chains where workflow_id = $1

-- write_offer --
insert into offers (offer_id, ref, chain, generation, offered_to, expires_at, token_hash, token_key_id,
    key_id, wrapped_key, sealed)
select $1::text, $2::text, $3::bigint, $4::integer, $5::text, $6::timestamptz, $7::text, $8::text, $8, $9::bytea, $10::bytea
where not exists (select from offers where ref = $2 and (chain, generation) > ($3, $4))
on conflict (offer_id) do update set
    expires_at = excluded.expires_at, offered_to = excluded.offered_to, key_id = excluded.key_id,
    wrapped_key = excluded.wrapped_key, sealed = excluded.sealed
where offers.fetched_at is null and not offers.withdrawn
returning offer_id

-- withdraw_older_offers --
update offers set sealed = null, wrapped_key = null, withdrawn = true
where ref = $1 and (chain, generation) < ($2, $3) and fetched_at is null

-- withdraw_offers --
update offers set sealed = null, wrapped_key = null, withdrawn = true
where ref = $1 and fetched_at is null

-- offer_by_token --
select * from offers where token_hash = $1 for update

-- offer_key --
select token_key_id from offers where offer_id = $1

-- mark_fetched --
update offers set fetched_at = $2, sealed = null, wrapped_key = null where offer_id = $1

-- count_wrong_try --
update offers set wrong_tries = wrong_tries + 1 where offer_id = $1

-- withdraw_offer --
update offers set sealed = null, wrapped_key = null, withdrawn = withdrawn or fetched_at is null
where offer_id = $1 returning fetched_at

-- offers_under_other_keys --
select offer_id, ref, key_id, wrapped_key from offers
where sealed is not null and key_id <> $1 order by offer_id for update

-- rewrap_offer --
update offers set key_id = $2, wrapped_key = $3 where offer_id = $1

-- untold_offers --
select offer_id, ref from offers where fetched_at is not null and told_at is null order by fetched_at

-- mark_told --
update offers set told_at = $2 where offer_id = $1 and told_at is null

-- incident_started --
insert into incidents (workflow_id, operation, system, since, attempts, started_at, said, unmendable,
    next_try_at, updated_at)
values ($1, $2, $3, $4, 0, $4, '', false, $4, $4)
on conflict (workflow_id, operation) do update set
    attempts = incidents.attempts + case when incidents.started_at is null then 0 else 1 end,
    said = case when incidents.started_at is null then incidents.said else 'no answer' end,
    status = case when incidents.started_at is null then incidents.status end,
    started_at = excluded.started_at, next_try_at = excluded.next_try_at, updated_at = excluded.updated_at

-- incident_failed --
insert into incidents (workflow_id, operation, system, since, attempts, status, said, unmendable, next_try_at, updated_at)
values ($1, $2, $3, $4, 1, $5, $6, $7, $8, $4)
on conflict (workflow_id, operation) do update set
    since = case when incidents.attempts = 0 then excluded.since else incidents.since end,
    attempts = incidents.attempts + 1, started_at = null, status = excluded.status, said = excluded.said,
    unmendable = excluded.unmendable, next_try_at = excluded.next_try_at, updated_at = excluded.updated_at

-- incident_cleared --
delete from incidents where workflow_id = $1 and operation = $2 returning attempts

-- workflow_task_failed --
insert into incidents (workflow_id, operation, system, since, attempts, said, unmendable, next_try_at, updated_at)
values ($1, 'workflow_task', 'workflow', $4, $2, $3, true, $4, $4)
on conflict (workflow_id, operation) do update set
    attempts = excluded.attempts, said = excluded.said, next_try_at = excluded.next_try_at,
    updated_at = excluded.updated_at

-- workflow_tasks_mended --
delete from incidents where system = 'workflow' and not workflow_id = any($1::text[])

-- incidents_failing --
select * from incidents where system = $1 and attempts > 0 order by since, workflow_id, operation

-- incidents_to_wake --
update incidents set next_try_at = $3 where (workflow_id, operation) in (
    select workflow_id, operation from incidents
    where system = $1 and attempts > 0 and updated_at <= $2
        and (next_try_at > $3 or next_try_at = started_at and started_at < $4)
    order by since, workflow_id, operation limit $5 for update skip locked)
returning workflow_id, operation

-- incidents_open --
select * from incidents where (attempts >= 3 or unmendable)
    and ($1::text[] is null or workflow_id = any($1))
    and ($2::text is null or system = $2) order by since, workflow_id, operation

-- sole_trader_number --
insert into sole_traders (contact_sha256) values ($1)
on conflict (contact_sha256) do update set contact_sha256 = excluded.contact_sha256
returning number

-- person_by_email_or_account --
select * from cases
where type = 'PersonAccess'
  and (person_email = lower($1) or workflow_id = 'person/' || $1)
order by updated_at desc

-- incidents_by_system --
select system, count(*) as count, min(since) as oldest from incidents
where (attempts >= 3 or unmendable) and (system = 'workflow' or exists (
    select from cases where cases.workflow_id = incidents.workflow_id and ended_at is null
    and (operation like 'notice:%'
         or view -> 'pending' @> jsonb_build_array(jsonb_build_object('key', operation)))))
group by system

-- count_open_cases --
select count(*) from cases where kind = 'case' and ended_at is null

-- count_overdue --
select count(*) from cases, jsonb_array_elements(view -> 'pending') as want
where ended_at is null and is_pending
    and want ->> 'operation' = any($1::text[]) and (want ->> 'since')::timestamptz < $2

-- begin_reconciliation --
insert into reconciliations (run, workflow_id, started_at) values ($1, $2, $3) on conflict (run) do nothing

-- write_observation --
insert into observations (run, look, system, kind, item, key, keys, is_on, facts)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
on conflict (run, look, system, kind, item) do update set
    key = excluded.key, keys = coalesce(excluded.keys, observations.keys), is_on = excluded.is_on, facts = excluded.facts

-- forget_observations --
delete from observations where run = $1 and look = $2 and system = $3 and kind = $4

-- uncounted_applications --
select item from observations
where run = $1 and look = $2 and system = $3 and kind = 'application' and keys is null
  and (key is not null or item in (
      select cases.view #>> '{details,application_id}' from cases join chains using (chain_id)
      where cases.type = 'Credential' and chains.followed_by is null and cases.stage <> 'ended'))
order by item limit $4

-- write_key_count --
update observations set keys = $5 where run = $1 and look = $2 and system = $3 and kind = 'application' and item = $4

-- people_to_look_at --
select substr(cases.workflow_id, length('person/') + 1) as account_id
from cases join chains using (chain_id)
where cases.type = 'PersonAccess' and chains.followed_by is null
  and not exists (select from observations where run = $1 and look = $2 and kind = 'person'
      and item = substr(cases.workflow_id, length('person/') + 1))
order by account_id limit $3

-- observations_of --
select system, kind, item, key, keys, is_on, facts from observations where run = $1 and look = $2

-- granted --
select cases.workflow_id, cases.type, cases.stage, cases.outcome, cases.owner, cases.org_number,
    cases.updated_at, case cases.type
        when 'Credential' then jsonb_build_object(
            'application_id', cases.view #> '{details,application_id}',
            'is_halted', cases.view #> '{details,is_halted}')
        when 'ProducerAgreement' then jsonb_build_object('agreements', cases.view #> '{details,agreements}')
        else '{}'::jsonb end as facts
from cases join chains using (chain_id)
where cases.type in ('Credential', 'Permission', 'PersonAccess', 'ProducerAgreement') and chains.followed_by is null

-- told_of_register --
select ref, item from (
    select distinct on (ref, item) ref, item, kind from findings
    where system = 'agreement_register' and kind in ('register_differs', 'register_agrees') and done = 'told'
    order by ref, item, done_at desc
) last_word where kind = 'register_differs'

-- findings_of --
select ordinal, kind, system, ref, item, facts, rests_on, done, done_at from findings where run = $1 order by ordinal

-- forget_findings --
delete from findings where run = $1

-- write_finding --
insert into findings (run, ordinal, kind, system, ref, item, facts, rests_on)
values ($1, $2, $3, $4, $5, $6, $7, $8)

-- note_comparison --
update reconciliations set granted = $2, only_reports = $3 where run = $1

-- findings_to_deal_with --
select ordinal, kind, system, ref, item, facts, rests_on from findings
where run = $1 and done is null order by ordinal limit $2

-- count_findings_left --
select count(*) from findings where run = $1 and done is null

-- mark_finding --
update findings set done = $3, done_at = $4 where run = $1 and ordinal = $2 and done is null

-- end_reconciliation --
update reconciliations set outcome = $2, ended_at = $3 where run = $1

-- forget_all_observations --
delete from observations where run = $1

-- last_reconciliation --
select * from reconciliations where ($1::text is null or run = $1) order by started_at desc limit 1

-- switch_on --
insert into switches (name, since) values ($1, $2)
on conflict (name) do update set since = excluded.since, ended_at = null where switches.ended_at is not null

-- switch_off --
update switches set ended_at = $2 where name = $1 and ended_at is null returning name

-- is_switched_on --
select exists (select from switches where name = $1 and ended_at is null)
