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

-- Sums, so that a row that comes twice is seen.
insert into verify_shown
select
    region.id,
    indicator.urbanisation,
    indicator.month,
    sum(indicator.households),
    sum(indicator.people),
    sum(indicator.known_people),
    sum(indicator.poor_households),
    sum(indicator.poor_people),
    sum(indicator.poverty_gap),
    sum(indicator.poverty_severity),
    sum(indicator.rupiah_gap),
    sum(indicator.log_gap),
    sum(indicator.zero_expenditure_people),
    sum(indicator.extreme_known_people),
    sum(indicator.extreme_poor_people),
    sum(indicator.vulnerable_people),
    sum(indicator.aspiring_people),
    sum(indicator.middle_people),
    sum(indicator.upper_people),
    sum(indicator.expenditure),
    sum(indicator.modelled_people),
    sum(indicator.unknown_people),
    sum(indicator.p0),
    sum(indicator.p1),
    sum(indicator.p2),
    sum(indicator.income_gap_ratio),
    sum(indicator.watts),
    sum(indicator.extreme_p0),
    sum(indicator.mean_expenditure),
    sum(indicator.modelled_share)
from indicator
join region on region.code = indicator.region
where indicator.region = any(%(codes)s)
group by region.id, indicator.urbanisation, indicator.month;

analyze verify_stock;
analyze verify_shown;
