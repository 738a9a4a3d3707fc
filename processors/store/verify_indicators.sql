-- Verify, step 6, for a slice of regions: recomputed stocks of every month of the calendar, and what the view indicator shows.
-- Why: the calendar is laid out whole and summed over, where the view carries rows forward: another way to the same figures.
-- Must not: be run before step 5, which adds urbanisation all to what was recomputed.

truncate verify_stock, verify_shown;

insert into verify_stock
select
    ever.region,
    ever.urbanisation,
    calendar.month::date,
    coalesce(sum(change.households) over carried, 0),
    coalesce(sum(change.people) over carried, 0),
    coalesce(sum(change.known_people) over carried, 0),
    coalesce(sum(change.poor_households) over carried, 0),
    coalesce(sum(change.poor_people) over carried, 0),
    coalesce(sum(change.poverty_gap) over carried, 0),
    coalesce(sum(change.poverty_severity) over carried, 0),
    coalesce(sum(change.rupiah_gap) over carried, 0),
    coalesce(sum(change.log_gap) over carried, 0),
    coalesce(sum(change.zero_expenditure_people) over carried, 0),
    coalesce(sum(change.extreme_known_people) over carried, 0),
    coalesce(sum(change.extreme_poor_people) over carried, 0),
    coalesce(sum(change.vulnerable_people) over carried, 0),
    coalesce(sum(change.aspiring_people) over carried, 0),
    coalesce(sum(change.middle_people) over carried, 0),
    coalesce(sum(change.upper_people) over carried, 0),
    coalesce(sum(change.expenditure) over carried, 0),
    coalesce(sum(change.modelled_people) over carried, 0)
from (select distinct region, urbanisation from verify_recomputed where region = any(%(regions)s)) as ever
cross join (
    select generate_series(first_month::timestamp, (select max(month) from cell where level = 'nation')::timestamp, interval '1 month')
    from reference_version
) as calendar (month)
left join verify_recomputed as change
    on (change.region, change.urbanisation, change.month) = (ever.region, ever.urbanisation, calendar.month::date)
window carried as (partition by ever.region, ever.urbanisation order by calendar.month);

-- Sums, so that a row that comes twice is seen; made before the codes become ids, or the planner walks all regions for each of these.
insert into verify_shown
with shown as materialized (
    select
        region as code,
        urbanisation,
        month,
        sum(households) as households,
        sum(people) as people,
        sum(known_people) as known_people,
        sum(poor_households) as poor_households,
        sum(poor_people) as poor_people,
        sum(poverty_gap) as poverty_gap,
        sum(poverty_severity) as poverty_severity,
        sum(rupiah_gap) as rupiah_gap,
        sum(log_gap) as log_gap,
        sum(zero_expenditure_people) as zero_expenditure_people,
        sum(extreme_known_people) as extreme_known_people,
        sum(extreme_poor_people) as extreme_poor_people,
        sum(vulnerable_people) as vulnerable_people,
        sum(aspiring_people) as aspiring_people,
        sum(middle_people) as middle_people,
        sum(upper_people) as upper_people,
        sum(expenditure) as expenditure,
        sum(modelled_people) as modelled_people,
        sum(unknown_people) as unknown_people,
        sum(p0) as p0,
        sum(p1) as p1,
        sum(p2) as p2,
        sum(income_gap_ratio) as income_gap_ratio,
        sum(watts) as watts,
        sum(extreme_p0) as extreme_p0,
        sum(mean_expenditure) as mean_expenditure,
        sum(modelled_share) as modelled_share
    from indicator
    where region = any(%(codes)s)
    group by region, urbanisation, month
)
select
    region.id,
    shown.urbanisation,
    shown.month,
    shown.households,
    shown.people,
    shown.known_people,
    shown.poor_households,
    shown.poor_people,
    shown.poverty_gap,
    shown.poverty_severity,
    shown.rupiah_gap,
    shown.log_gap,
    shown.zero_expenditure_people,
    shown.extreme_known_people,
    shown.extreme_poor_people,
    shown.vulnerable_people,
    shown.aspiring_people,
    shown.middle_people,
    shown.upper_people,
    shown.expenditure,
    shown.modelled_people,
    shown.unknown_people,
    shown.p0,
    shown.p1,
    shown.p2,
    shown.income_gap_ratio,
    shown.watts,
    shown.extreme_p0,
    shown.mean_expenditure,
    shown.modelled_share
from shown
join region on region.code = shown.code;

analyze verify_stock;
analyze verify_shown;
