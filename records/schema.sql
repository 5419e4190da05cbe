-- The legal record, the read model, documents, sealed secrets and incidents.
-- Everything under "the read model" can be written again: from the workflows, and for what has
-- ended from its closing view.

-- ---- the legal record ----

-- One row for each workflow that ever ran (a chain of runs): its case number, and where its
-- journal ends. Locked while something is recorded, so that two attempts cannot mix.
create table chains (
    chain_id text primary key,
    ordinal bigint generated always as identity unique,
    workflow_id text not null,
    number text unique,
    last_sequence integer not null default 0,
    last_digest text not null default '',
    followed_by bigint references chains (ordinal)
);
create index chains_by_workflow on chains (workflow_id, ordinal);
comment on column chains.followed_by is 'the next chain under the same workflow id, if there is one';

create table number_series (
    series text primary key,
    last integer not null
);

create table journal (
    chain_id text not null references chains,
    sequence integer not null,
    workflow_id text not null,
    case_number text,
    at timestamptz not null,
    recorded_at timestamptz not null default now(),
    kind text not null,
    name text not null,
    stage text not null,
    actor jsonb,
    what jsonb not null,
    digest text not null,
    primary key (chain_id, sequence)
);
create index journal_by_workflow on journal (workflow_id, at, sequence);
create index journal_by_number on journal (case_number);

create function refuse_change() returns trigger language plpgsql as $$
begin
    raise exception '% is append-only', tg_table_name;
end;
$$;
create trigger journal_is_append_only before update or delete on journal
    for each row execute function refuse_change();
create trigger journal_is_not_emptied before truncate on journal
    for each statement execute function refuse_change();
create trigger chains_stay before delete on chains
    for each row execute function refuse_change();
create trigger chains_are_not_emptied before truncate on chains
    for each statement execute function refuse_change();

-- The last view of what has ended: a closed case is read from here when its workflow is forgotten.
create table closing_views (
    chain_id text primary key references chains,
    kind text not null,
    version integer not null,
    view jsonb not null
);
create trigger closing_views_stay before delete on closing_views
    for each row execute function refuse_change();
create trigger closing_views_are_not_emptied before truncate on closing_views
    for each statement execute function refuse_change();

-- ---- the read model ----

create table cases (
    chain_id text primary key references chains,
    workflow_id text not null,
    number text unique,
    case_number text,
    type text not null,
    kind text not null,
    org_number text not null,
    organisation text not null,
    organisation_order text collate "C" not null,
    stage text not null,
    outcome text,
    waiting_on text,
    waiting_since timestamptz,
    waiting_rule text,
    waiting_due date,
    handler text,
    owner text,
    opened_at timestamptz,
    ended_at timestamptz,
    version integer not null,
    updated_at timestamptz not null,
    search text not null,
    view jsonb not null,
    is_pending boolean generated always as (view -> 'pending' <> '[]') stored,
    person_email text generated always as (lower(view -> 'details' -> 'person' ->> 'email')) stored
);
create index cases_by_workflow on cases (workflow_id);
create index cases_by_organisation on cases (org_number, type);
create index cases_by_number on cases (case_number);
create index cases_by_owner on cases (owner);
create index cases_open on cases (waiting_on, waiting_due) where ended_at is null;
create index cases_pending on cases (workflow_id) where ended_at is null and is_pending;
create index cases_by_person_email on cases (person_email) where person_email is not null;

-- ---- documents ----

create table documents (
    document_id text primary key,
    media_type text not null,
    size integer not null,
    pages integer,
    data bytea not null
);
create table document_links (
    document_id text not null references documents,
    ref text not null,
    chain_id text not null,
    file_name text not null,
    kind text not null,
    stored_by text not null,
    stored_at timestamptz not null,
    primary key (document_id, ref, chain_id)
);
create index document_links_by_ref on document_links (ref);
comment on column document_links.chain_id is
    'which case of the workflow id it came to; empty when nothing of it was recorded yet';

-- ---- sealed secrets ----

create table offers (
    offer_id text primary key,
    ref text not null,
    chain bigint not null,
    generation integer not null,
    offered_to text not null,
    expires_at timestamptz not null,
    token_hash text not null unique,
    token_key_id text not null,
    key_id text not null,
    wrapped_key bytea,
    sealed bytea,
    fetched_at timestamptz,
    told_at timestamptz,
    withdrawn boolean not null default false,
    wrong_tries integer not null default 0
);
create index offers_by_ref on offers (ref, chain, generation);
create index offers_untold on offers (fetched_at) where fetched_at is not null and told_at is null;
comment on column offers.chain is
    'ordinal of the credential''s chain: generations count from one again in each; 0 for none';

-- ---- incidents ----

create table incidents (
    workflow_id text not null,
    operation text not null,
    system text not null,
    since timestamptz not null,
    attempts integer not null,
    started_at timestamptz,
    status integer,
    said text not null,
    unmendable boolean not null,
    next_try_at timestamptz not null,
    updated_at timestamptz not null,
    primary key (workflow_id, operation)
);
create index incidents_by_system on incidents (system);
comment on column incidents.started_at is 'an attempt that has begun and not answered yet';

-- Numbers of ours for agents that are sole traders: their own number is a personnummer, never kept.
create sequence sole_trader_numbers;

-- A sole trader has one number, whoever appoints it: it is known by the contact's address, by digest.
create table sole_traders (
    contact_sha256 text primary key,
    number bigint not null unique default nextval('sole_trader_numbers')
);

-- ---- reconciliation ----

-- One row for each run; what its two looks saw is kept until it has ended, what differs for good.
create table reconciliations (
    run text primary key,
    workflow_id text not null,
    started_at timestamptz not null,
    ended_at timestamptz,
    outcome text,
    granted integer not null default 0,
    only_reports boolean not null default false
);
create index reconciliations_by_start on reconciliations (started_at);

create table observations (
    run text not null references reconciliations,
    look integer not null,
    system text not null,
    kind text not null,
    item text not null,
    key text,
    keys integer,
    is_on boolean,
    facts jsonb not null default '{}',
    primary key (run, look, system, kind, item)
);
comment on column observations.keys is 'living keys of an application; null until they are counted';

create table findings (
    run text not null references reconciliations,
    ordinal integer not null,
    kind text not null,
    system text not null,
    ref text not null,
    item text not null,
    facts jsonb not null,
    rests_on text,
    done text,
    done_at timestamptz,
    primary key (run, ordinal)
);
create index findings_of_register on findings (ref, done_at) where system = 'agreement_register';

-- What people have switched, by name.
create table switches (
    name text primary key,
    since timestamptz not null,
    ended_at timestamptz
);
