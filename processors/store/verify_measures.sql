-- Verify, step 5: stocks are compared as the changes between their months, so a missing row and a wrong one both show;
-- urbanisation all is added to what was recomputed. Dirty regions are left out, villages too.
-- Must not: trust the view measure's carrying forward: only differences between its rows enter.

delete from verify_recomputed
where region in (select region from verify_dirty);

insert into verify_recomputed
select
    level,
    region,
    'all',
    month,
    sum(households),
    sum(people),
    sum(known_people),
    sum(poor_households),
    sum(poor_people),
    sum(poverty_gap),
    sum(poverty_severity),
    sum(rupiah_gap),
    sum(log_gap),
    sum(zero_expenditure_people),
    sum(extreme_known_people),
    sum(extreme_poor_people),
    sum(vulnerable_people),
    sum(aspiring_people),
    sum(middle_people),
    sum(upper_people),
    sum(expenditure),
    sum(modelled_people)
from verify_recomputed
group by level, region, month;

truncate verify_held;

insert into verify_held
select
    level,
    region,
    urbanisation,
    month,
    households - lag(households, 1, 0) over changes,
    people - lag(people, 1, 0) over changes,
    known_people - lag(known_people, 1, 0) over changes,
    poor_households - lag(poor_households, 1, 0) over changes,
    poor_people - lag(poor_people, 1, 0) over changes,
    poverty_gap - lag(poverty_gap, 1, 0) over changes,
    poverty_severity - lag(poverty_severity, 1, 0) over changes,
    rupiah_gap - lag(rupiah_gap, 1, 0) over changes,
    log_gap - lag(log_gap, 1, 0) over changes,
    zero_expenditure_people - lag(zero_expenditure_people, 1, 0) over changes,
    extreme_known_people - lag(extreme_known_people, 1, 0) over changes,
    extreme_poor_people - lag(extreme_poor_people, 1, 0) over changes,
    vulnerable_people - lag(vulnerable_people, 1, 0) over changes,
    aspiring_people - lag(aspiring_people, 1, 0) over changes,
    middle_people - lag(middle_people, 1, 0) over changes,
    upper_people - lag(upper_people, 1, 0) over changes,
    expenditure - lag(expenditure, 1, 0) over changes,
    modelled_people - lag(modelled_people, 1, 0) over changes
from (
    select
        measure.level,
        measure.region,
        measure.urbanisation,
        measure.month,
        measure.households::numeric,
        measure.people::numeric,
        measure.known_people::numeric,
        measure.poor_households::numeric,
        measure.poor_people::numeric,
        measure.poverty_gap::numeric,
        measure.poverty_severity::numeric,
        measure.rupiah_gap::numeric,
        measure.log_gap::numeric,
        measure.zero_expenditure_people::numeric,
        measure.extreme_known_people::numeric,
        measure.extreme_poor_people::numeric,
        measure.vulnerable_people::numeric,
        measure.aspiring_people::numeric,
        measure.middle_people::numeric,
        measure.upper_people::numeric,
        measure.expenditure::numeric,
        measure.modelled_people::numeric
    from measure
    where measure.region not in (select region from verify_dirty)
) as stock
window changes as (partition by level, region, urbanisation order by month);

analyze verify_recomputed;
analyze verify_held;
