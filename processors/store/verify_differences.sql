-- Verify: where held and recomputed differ, by number; absent is 0. The first %(shown)s, each with the total of all.
-- Why: rows are compared whole, and only unequal ones are taken apart.
-- Must not: know the measures' names; they come with the rows.
select
    coalesce(region.code, '#' || key.region),
    key.urbanisation,
    key.month,
    number.measure,
    number.held,
    number.recomputed,
    count(*) over ()
from (
    select
        coalesce(held.region, recomputed.region) as region,
        coalesce(held.urbanisation, recomputed.urbanisation) as urbanisation,
        coalesce(held.month, recomputed.month) as month,
        to_jsonb(held) as held,
        to_jsonb(recomputed) as recomputed
    from verify_held as held
    full join verify_recomputed as recomputed
        on (recomputed.level, recomputed.region, recomputed.urbanisation, recomputed.month) = (held.level, held.region, held.urbanisation, held.month)
    where held is distinct from recomputed
) as key
cross join lateral (
    select
        measure,
        coalesce(held.value::numeric, 0) as held,
        coalesce(recomputed.value::numeric, 0) as recomputed
    from jsonb_each_text(key.held - array['level', 'region', 'urbanisation', 'month']) as held (measure, value)
    full join jsonb_each_text(key.recomputed - array['level', 'region', 'urbanisation', 'month']) as recomputed (measure, value)
        using (measure)
) as number
left join region on region.id = key.region
where number.held <> number.recomputed
order by coalesce(region.number, -1), key.urbanisation, key.month, number.measure
limit %(shown)s;
