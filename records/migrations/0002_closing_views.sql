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

insert into closing_views (chain_id, kind, version, view)
select chain_id, kind, version, view from cases where ended_at is not null;
