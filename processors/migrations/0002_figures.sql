-- Figures: absolute sums (measure) and ratios (indicator), as views over the signed changes in cell.
-- Why: a sum up to a month is read rarely and written often, so a late correction costs as little as a new event.
-- Conditions on code, level and urbanisation are partition keys of every window, so they reach cell before anything is summed.
-- Columns stand in the order of processors/indicators/catalogue.py; a test holds both equal.

create view measure as
select
    level,
    region,
    code,
    urbanisation,
    month,
    (sum(households) over stock)::bigint as households,
    (sum(people) over stock)::bigint as people,
    (sum(known_people) over stock)::bigint as known_people,
    (sum(poor_households) over stock)::bigint as poor_households,
    (sum(poor_people) over stock)::bigint as poor_people,
    (sum(poverty_gap) over stock)::bigint as poverty_gap,
    (sum(poverty_severity) over stock)::bigint as poverty_severity,
    (sum(rupiah_gap) over stock)::bigint as rupiah_gap,
    (sum(log_gap) over stock)::bigint as log_gap,
    (sum(zero_expenditure_people) over stock)::bigint as zero_expenditure_people,
    (sum(extreme_known_people) over stock)::bigint as extreme_known_people,
    (sum(extreme_poor_people) over stock)::bigint as extreme_poor_people,
    (sum(vulnerable_people) over stock)::bigint as vulnerable_people,
    (sum(aspiring_people) over stock)::bigint as aspiring_people,
    (sum(middle_people) over stock)::bigint as middle_people,
    (sum(upper_people) over stock)::bigint as upper_people,
    (sum(expenditure) over stock)::bigint as expenditure,
    (sum(modelled_people) over stock)::bigint as modelled_people
from (
    select
        cell.level,
        cell.region,
        region.code,
        cell.urbanisation,
        cell.month,
        cell.households,
        cell.people,
        cell.known_people,
        cell.poor_households,
        cell.poor_people,
        cell.poverty_gap,
        cell.poverty_severity,
        cell.rupiah_gap,
        cell.log_gap,
        cell.zero_expenditure_people,
        cell.extreme_known_people,
        cell.extreme_poor_people,
        cell.vulnerable_people,
        cell.aspiring_people,
        cell.middle_people,
        cell.upper_people,
        cell.expenditure,
        cell.modelled_people
    from cell
    join region on region.id = cell.region
    union all
    select
        cell.level,
        cell.region,
        region.code,
        'all',
        cell.month,
        sum(cell.households),
        sum(cell.people),
        sum(cell.known_people),
        sum(cell.poor_households),
        sum(cell.poor_people),
        sum(cell.poverty_gap),
        sum(cell.poverty_severity),
        sum(cell.rupiah_gap),
        sum(cell.log_gap),
        sum(cell.zero_expenditure_people),
        sum(cell.extreme_known_people),
        sum(cell.extreme_poor_people),
        sum(cell.vulnerable_people),
        sum(cell.aspiring_people),
        sum(cell.middle_people),
        sum(cell.upper_people),
        sum(cell.expenditure),
        sum(cell.modelled_people)
    from cell
    join region on region.id = cell.region
    group by cell.level, cell.region, region.code, cell.month
) as change
window stock as (partition by level, region, code, urbanisation order by month);
comment on view measure is 'Sums of a region and urbanisation (urban, rural, all) as they stand in a month, a row where something changes; the last row before a month holds for it.';

create view indicator as
select
    stock.code as region,
    region.name as region_name,
    stock.level,
    stock.urbanisation,
    stock.month,
    stock.households,
    stock.people,
    stock.known_people,
    stock.poor_households,
    stock.poor_people,
    stock.poverty_gap,
    stock.poverty_severity,
    stock.rupiah_gap,
    stock.log_gap,
    stock.zero_expenditure_people,
    stock.extreme_known_people,
    stock.extreme_poor_people,
    stock.vulnerable_people,
    stock.aspiring_people,
    stock.middle_people,
    stock.upper_people,
    stock.expenditure,
    stock.modelled_people,
    stock.people - stock.known_people as unknown_people,
    stock.poor_people::numeric / nullif(stock.known_people, 0) as p0,
    stock.poverty_gap::numeric / nullif(1000000000 * stock.known_people::numeric, 0) as p1,
    stock.poverty_severity::numeric / nullif(1000000000 * stock.known_people::numeric, 0) as p2,
    stock.poverty_gap::numeric / nullif(1000000000 * stock.poor_people::numeric, 0) as income_gap_ratio,
    stock.log_gap::numeric / nullif(1000000000 * stock.known_people::numeric, 0) as watts,
    stock.extreme_poor_people::numeric / nullif(stock.extreme_known_people, 0) as extreme_p0,
    stock.expenditure::numeric / nullif(stock.known_people, 0) as mean_expenditure,
    stock.modelled_people::numeric / nullif(stock.known_people, 0) as modelled_share
from (
    select
        step.level,
        step.region,
        step.code,
        step.urbanisation,
        held.month::date as month,
        step.households * held.counts as households,
        step.people * held.counts as people,
        step.known_people * held.counts as known_people,
        step.poor_households * held.counts as poor_households,
        step.poor_people * held.counts as poor_people,
        step.poverty_gap * held.counts as poverty_gap,
        step.poverty_severity * held.counts as poverty_severity,
        step.rupiah_gap * held.counts as rupiah_gap,
        step.log_gap * held.counts as log_gap,
        step.zero_expenditure_people * held.counts as zero_expenditure_people,
        step.extreme_known_people * held.counts as extreme_known_people,
        step.extreme_poor_people * held.counts as extreme_poor_people,
        step.vulnerable_people * held.counts as vulnerable_people,
        step.aspiring_people * held.counts as aspiring_people,
        step.middle_people * held.counts as middle_people,
        step.upper_people * held.counts as upper_people,
        step.expenditure * held.counts as expenditure,
        step.modelled_people * held.counts as modelled_people
    from (
        select
            level,
            region,
            code,
            urbanisation,
            month,
            lag(month) over step as before,
            lead(month) over step as until,
            households,
            people,
            known_people,
            poor_households,
            poor_people,
            poverty_gap,
            poverty_severity,
            rupiah_gap,
            log_gap,
            zero_expenditure_people,
            extreme_known_people,
            extreme_poor_people,
            vulnerable_people,
            aspiring_people,
            middle_people,
            upper_people,
            expenditure,
            modelled_people
        from measure
        window step as (partition by level, region, code, urbanisation order by month)
    ) as step
    cross join (
        select first_month, (select max(month) from cell where level = 'nation') as last_month
        from reference_version
    ) as calendar
    cross join lateral (
        select 1 as counts, month
        from generate_series(step.month::timestamp, coalesce(step.until - 1, calendar.last_month)::timestamp, interval '1 month') as month
        union all
        select 0, month
        from generate_series(calendar.first_month::timestamp, (step.month - 1)::timestamp, interval '1 month') as month
        where step.before is null
    ) as held
) as stock
join region on region.id = stock.region;
comment on view indicator is 'All figures of every region that has any, by code, urbanisation (urban, rural, all) and month of the calendar: sums carried forward, and ratios of sums, null where the denominator is 0.';

create index cell_above on cell (level, month) where level <> 'village';
comment on index cell_above is 'The calendar ends with the nation''s latest month; upper levels are read by level.';
