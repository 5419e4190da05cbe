-- The legal record, the read model, documents, sealed secrets and incidents.

create table journal (
    chain_id text not null,
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
    raise exception 'the journal is append-only';
end;
$$;
create trigger journal_is_append_only before update or delete on journal
    for each row execute function refuse_change();
create trigger journal_is_not_emptied before truncate on journal
    for each statement execute function refuse_change();

create table number_series (
    series text primary key,
    last integer not null
);

create table cases (
    workflow_id text primary key,
    chain_id text not null,
    number text unique,
    case_number text,
    type text not null,
    kind text not null,
    org_number text not null,
    organisation text not null,
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
    view jsonb not null
);
create index cases_by_organisation on cases (org_number);
create index cases_by_number on cases (case_number);
create index cases_by_owner on cases (owner);
create index cases_open on cases (waiting_on, waiting_due) where ended_at is null;

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
    file_name text not null,
    kind text not null,
    stored_by text not null,
    stored_at timestamptz not null,
    primary key (document_id, ref)
);
create index document_links_by_ref on document_links (ref);

create table offers (
    offer_id text primary key,
    ref text not null,
    generation integer not null,
    offered_to text not null,
    expires_at timestamptz not null,
    token_hash text not null unique,
    key_id text not null,
    wrapped_key bytea,
    sealed bytea,
    fetched_at timestamptz,
    told_at timestamptz,
    wrong_tries integer not null default 0
);
create index offers_by_ref on offers (ref);
create index offers_untold on offers (fetched_at) where fetched_at is not null and told_at is null;

create table incidents (
    workflow_id text not null,
    operation text not null,
    system text not null,
    since timestamptz not null,
    attempts integer not null,
    status integer,
    said text not null,
    unmendable boolean not null,
    next_try_at timestamptz not null,
    updated_at timestamptz not null,
    primary key (workflow_id, operation)
);
create index incidents_by_system on incidents (system);
