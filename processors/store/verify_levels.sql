-- Verify, step 3: recomputed changes on every level from village to nation, and what the unfolded batches leave dirty.
-- Why: a region is compared on the upper levels only where the fold has nothing left to add below it.
-- Must not: look at what cells, measures and indicators hold.

create temporary table verify_recomputed on commit drop as
select
    above.level,
    above.region,
    part.urbanisation,
    part.month,
    sum(part.households) as households,
    sum(part.people) as people,
    sum(part.known_people) as known_people,
    sum(part.poor_households) as poor_households,
    sum(part.poor_people) as poor_people,
    sum(part.poverty_gap) as poverty_gap,
    sum(part.poverty_severity) as poverty_severity,
    sum(part.rupiah_gap) as rupiah_gap,
    sum(part.log_gap) as log_gap,
    sum(part.zero_expenditure_people) as zero_expenditure_people,
    sum(part.extreme_known_people) as extreme_known_people,
    sum(part.extreme_poor_people) as extreme_poor_people,
    sum(part.vulnerable_people) as vulnerable_people,
    sum(part.aspiring_people) as aspiring_people,
    sum(part.middle_people) as middle_people,
    sum(part.upper_people) as upper_people,
    sum(part.expenditure) as expenditure,
    sum(part.modelled_people) as modelled_people
from verify_part as part
join verify_above as above on above.village = part.village
group by above.level, above.region, part.urbanisation, part.month;

-- Cell changes that wait for the fold. The arrays are fetched whole, once (materialized), before they are cut into numbers.
create temporary table verify_unfolded on commit drop as
with batch as materialized (
    select keys || ''::bytea as keys, amounts || ''::bytea as amounts from cell_change
)
select
    (number.key >> 13)::integer as village,
    case when number.key & 4096 = 0 then 'rural' else 'urban' end as urbanisation,
    (date '1970-01-01' + make_interval(months => (number.key & 4095)::integer))::date as month,
    sum(substr(batch.amounts, number.at + 1, 8)::bigint) as households,
    sum(substr(batch.amounts, number.at + 9, 8)::bigint) as people,
    sum(substr(batch.amounts, number.at + 17, 8)::bigint) as known_people,
    sum(substr(batch.amounts, number.at + 25, 8)::bigint) as poor_households,
    sum(substr(batch.amounts, number.at + 33, 8)::bigint) as poor_people,
    sum(substr(batch.amounts, number.at + 41, 8)::bigint) as poverty_gap,
    sum(substr(batch.amounts, number.at + 49, 8)::bigint) as poverty_severity,
    sum(substr(batch.amounts, number.at + 57, 8)::bigint) as rupiah_gap,
    sum(substr(batch.amounts, number.at + 65, 8)::bigint) as log_gap,
    sum(substr(batch.amounts, number.at + 73, 8)::bigint) as zero_expenditure_people,
    sum(substr(batch.amounts, number.at + 81, 8)::bigint) as extreme_known_people,
    sum(substr(batch.amounts, number.at + 89, 8)::bigint) as extreme_poor_people,
    sum(substr(batch.amounts, number.at + 97, 8)::bigint) as vulnerable_people,
    sum(substr(batch.amounts, number.at + 105, 8)::bigint) as aspiring_people,
    sum(substr(batch.amounts, number.at + 113, 8)::bigint) as middle_people,
    sum(substr(batch.amounts, number.at + 121, 8)::bigint) as upper_people,
    sum(substr(batch.amounts, number.at + 129, 8)::bigint) as expenditure,
    sum(substr(batch.amounts, number.at + 137, 8)::bigint) as modelled_people
from batch
cross join lateral (
    select substr(batch.keys, (place * 8 + 1)::integer, 8)::bigint as key, (place * 144)::integer as at
    from generate_series(0, length(batch.keys) / 8 - 1) as place
) as number
group by 1, 2, 3;

create temporary table verify_dirty on commit drop as
select distinct region, level
from verify_above
where village in (select village from verify_unfolded);

create temporary table verify_held (like verify_recomputed) on commit drop;

-- Stocks of every month of the calendar, and what the view indicator shows of them, for a slice of regions.
create temporary table verify_stock (
    region integer not null,
    urbanisation text not null,
    month date not null,
    households numeric not null,
    people numeric not null,
    known_people numeric not null,
    poor_households numeric not null,
    poor_people numeric not null,
    poverty_gap numeric not null,
    poverty_severity numeric not null,
    rupiah_gap numeric not null,
    log_gap numeric not null,
    zero_expenditure_people numeric not null,
    extreme_known_people numeric not null,
    extreme_poor_people numeric not null,
    vulnerable_people numeric not null,
    aspiring_people numeric not null,
    middle_people numeric not null,
    upper_people numeric not null,
    expenditure numeric not null,
    modelled_people numeric not null
) on commit drop;

create temporary table verify_shown (
    region integer not null,
    urbanisation text not null,
    month date not null,
    households numeric,
    people numeric,
    known_people numeric,
    poor_households numeric,
    poor_people numeric,
    poverty_gap numeric,
    poverty_severity numeric,
    rupiah_gap numeric,
    log_gap numeric,
    zero_expenditure_people numeric,
    extreme_known_people numeric,
    extreme_poor_people numeric,
    vulnerable_people numeric,
    aspiring_people numeric,
    middle_people numeric,
    upper_people numeric,
    expenditure numeric,
    modelled_people numeric,
    unknown_people numeric,
    p0 numeric,
    p1 numeric,
    p2 numeric,
    income_gap_ratio numeric,
    watts numeric,
    extreme_p0 numeric,
    mean_expenditure numeric,
    modelled_share numeric
) on commit drop;

create index on verify_dirty (region);
create index on verify_recomputed (region);
analyze verify_recomputed;
analyze verify_unfolded;
analyze verify_dirty;
