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
