-- Verify: what the view indicator shows otherwise than it follows from recomputed stocks. The first %(shown)s, each with the total of all.
-- Sums must be equal, absent is 0. A ratio is held against numerator and denominator: it may be off by what its last digits round away.
-- Must not: divide before it has compared.
select
    region.code,
    coalesce(shown.urbanisation, stock.urbanisation),
    coalesce(shown.month, stock.month),
    wrong.figure,
    wrong.shown,
    wrong.follows,
    count(*) over ()
from verify_shown as shown
full join verify_stock as stock
    on (stock.region, stock.urbanisation, stock.month) = (shown.region, shown.urbanisation, shown.month)
cross join lateral (
    select figure, coalesce(total_shown, 0) as shown, coalesce(total_follows, 0) as follows
    from (values
        ('households', shown.households, stock.households),
        ('people', shown.people, stock.people),
        ('known_people', shown.known_people, stock.known_people),
        ('poor_households', shown.poor_households, stock.poor_households),
        ('poor_people', shown.poor_people, stock.poor_people),
        ('poverty_gap', shown.poverty_gap, stock.poverty_gap),
        ('poverty_severity', shown.poverty_severity, stock.poverty_severity),
        ('rupiah_gap', shown.rupiah_gap, stock.rupiah_gap),
        ('log_gap', shown.log_gap, stock.log_gap),
        ('zero_expenditure_people', shown.zero_expenditure_people, stock.zero_expenditure_people),
        ('extreme_known_people', shown.extreme_known_people, stock.extreme_known_people),
        ('extreme_poor_people', shown.extreme_poor_people, stock.extreme_poor_people),
        ('vulnerable_people', shown.vulnerable_people, stock.vulnerable_people),
        ('aspiring_people', shown.aspiring_people, stock.aspiring_people),
        ('middle_people', shown.middle_people, stock.middle_people),
        ('upper_people', shown.upper_people, stock.upper_people),
        ('expenditure', shown.expenditure, stock.expenditure),
        ('modelled_people', shown.modelled_people, stock.modelled_people),
        ('unknown_people', shown.unknown_people, stock.people - stock.known_people)
    ) as total (figure, total_shown, total_follows)
    where coalesce(total_shown, 0) <> coalesce(total_follows, 0)
    union all
    select figure, ratio_shown, numerator / nullif(denominator, 0)
    from (values
        ('p0', shown.p0, stock.poor_people, stock.known_people),
        ('p1', shown.p1, stock.poverty_gap, 1000000000 * stock.known_people),
        ('p2', shown.p2, stock.poverty_severity, 1000000000 * stock.known_people),
        ('income_gap_ratio', shown.income_gap_ratio, stock.poverty_gap, 1000000000 * stock.poor_people),
        ('watts', shown.watts, stock.log_gap, 1000000000 * stock.known_people),
        ('extreme_p0', shown.extreme_p0, stock.extreme_poor_people, stock.extreme_known_people),
        ('mean_expenditure', shown.mean_expenditure, stock.expenditure, stock.known_people),
        ('modelled_share', shown.modelled_share, stock.modelled_people, stock.known_people)
    ) as ratio (figure, ratio_shown, numerator, denominator)
    where
        case
            when coalesce(denominator, 0) = 0 then ratio_shown is not null
            else ratio_shown is null
                or abs(ratio_shown * denominator - numerator) * 1000000000000 > abs(denominator) * greatest(1, abs(ratio_shown))
        end
) as wrong
join region on region.id = coalesce(shown.region, stock.region)
order by region.number, 2, 3, 4
limit %(shown)s;
