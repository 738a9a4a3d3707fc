-- Verify, step 4: the changes that are held, for comparison with verify_recomputed: of villages with what waits for the fold,
-- of upper levels where nothing waits below them.
-- Must not: compute anything but sums.

insert into verify_held
select
    level,
    region,
    urbanisation,
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
from (
    select
        level,
        region,
        urbanisation,
        month,
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
    from cell
    union all
    select
        'village',
        village,
        urbanisation,
        month,
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
    from verify_unfolded
) as change
where level = 'village' or region not in (select region from verify_dirty)
group by level, region, urbanisation, month;

delete from verify_recomputed
where level <> 'village' and region in (select region from verify_dirty);

analyze verify_held;
