-- Verify, beside the figures: names that do not stand where the links put them, into verify_misplaced.
-- Why: figures are recomputed row by row, so a household whose names stand in two rows would be counted twice by both routes.
-- Must not: trust where a row says that its household stands; only links, which say what was told, count.

create temporary table verify_name on commit drop as
select distinct stands_at, name
from link
cross join lateral (values (link.previous), (link.household)) as named (name);

analyze verify_name;

create temporary table verify_misplaced on commit drop as
-- Linked in two rows: what links connect must be in one.
select name
from verify_name
group by name
having count(*) > 1
union
-- In a row with names that no link connects it with; one link alone has no such names.
select name
from verify_name
where stands_at in (select stands_at from link group by stands_at having count(*) > 1)
and not exists (
    with recursive edge as (
        select previous as one, household as other from link where link.stands_at = verify_name.stands_at
        union
        select household, previous from link where link.stands_at = verify_name.stands_at
    ),
    reached as (
        select verify_name.stands_at as name
        union
        select edge.other from reached join edge on edge.one = reached.name
    )
    select from reached where reached.name = verify_name.name
)
union
-- In the row of another name than the one by the newest key, of several the least.
select stands_at
from (
    select distinct on (verify_name.stands_at) verify_name.stands_at, verify_name.name
    from verify_name
    left join (select household, max(key_version) as key_version from link group by household) as made_with
        on made_with.household = verify_name.name
    order by verify_name.stands_at, coalesce(made_with.key_version, 0) desc, verify_name.name
) as newest
where name <> stands_at
union
-- Of an older name: no row, one that points elsewhere, or one that holds something.
select verify_name.name
from verify_name
left join household on household.id = verify_name.name
where
    verify_name.name <> verify_name.stands_at
    and (household.same_as is distinct from verify_name.stands_at or household.statements <> '' or household.links is not null)
union
-- Pointing to a household without a link that says so.
select household.id
from household
left join verify_name on verify_name.name = household.id and verify_name.stands_at = household.same_as
where household.same_as is not null and verify_name.name is null
union
-- Torn.
select household.id
from household
where length(household.links) % 36 <> 0 or length(household.links) = 0;
