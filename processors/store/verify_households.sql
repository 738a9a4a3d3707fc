-- Verify, step 2: the law on one slice of households, from the view statement alone, into verify_part.
-- Why: a second opinion is worth something only where it is reached by another road: sets and windows, no loop over a household.
-- Must not: be derived from processors/law.py or processors/columns; architecture section 2 is its only source.

truncate verify_said, verify_visible, verify_run, verify_residence, verify_standing;

insert into verify_said
select household, claimant, valid_from, revision, operation, village, size, expenditure, basis
from statement
where household >= %(first)s and (%(before)s::uuid is null or household < %(before)s);

analyze verify_said;

insert into verify_reading
select
    count(distinct household),
    count(*),
    (
        select sum(length(statements)) / 42.0
        from household
        where id >= %(first)s and (%(before)s::uuid is null or id < %(before)s)
    ) - count(*),
    count(*) - count(distinct (household, claimant, valid_from))
from verify_said;

-- Visible: not retracted, and no END of the claim dated on the day or before has a greater revision.
insert into verify_visible
select
    said.household,
    said.claimant,
    claimant.place,
    claimant.regency,
    said.valid_from,
    greatest(date_trunc('month', said.valid_from::timestamp)::date, (select first_month from reference_version)),
    said.operation = 'END',
    case when said.operation = 'UPSERT' then said.village end,
    case when said.operation = 'UPSERT' then said.size end,
    case when said.operation = 'UPSERT' then said.expenditure end,
    said.operation = 'UPSERT' and said.basis = 'MODELLED'
from (
    select
        *,
        max(revision) filter (where operation = 'END') over (partition by household, claimant order by valid_from) as ended_by
    from verify_said
) as said
join verify_claimant as claimant on claimant.claimant = said.claimant
where said.operation <> 'RETRACT' and (said.ended_by is null or said.ended_by <= said.revision);

analyze verify_visible;

-- A run begins where a claim names another village than before; it ends there, or at an END.
insert into verify_run
select household, place, began, month, until, village
from (
    select
        household,
        place,
        village,
        valid_from as began,
        month,
        lead(month) over (partition by household, claimant order by valid_from) as until
    from (
        select *, lag(village) over (partition by household, claimant order by valid_from) as village_before
        from verify_visible
        where ends or village is not null
    ) as mark
    where village is distinct from village_before
) as run
where village is not null and (until is null or until > month);

analyze verify_run;

-- At each month in which anything was said, the run that began latest holds; then only the months with a residence stay.
insert into verify_residence
select held.household, held.month, held.until, held.village, village.regency, village.urbanisation
from (
    select
        household,
        month,
        village,
        lead(month) over (partition by household order by month) as until
    from (
        select distinct on (turn.household, turn.month) turn.household, turn.month, run.village
        from (select distinct household, month from verify_visible) as turn
        left join verify_run as run
            on run.household = turn.household
            and run.month <= turn.month
            and (run.until is null or run.until > turn.month)
        order by turn.household, turn.month, run.began desc nulls last, run.place
    ) as holder
) as held
join verify_village as village on village.village = held.village;

analyze verify_residence;

-- Size and expenditure, each from the regency's own best claim that ever said it, else from the best of all others; then cut by lines.
insert into verify_standing
select
    residence.village,
    residence.urbanisation,
    greatest(residence.month, line.month),
    least(residence.until, line.until),
    nullif(size.size, 0),
    welfare.expenditure,
    welfare.modelled,
    line.national,
    line.extreme
from verify_residence as residence
left join (
    select distinct on (residence.household, residence.month) residence.household, residence.month, said.size
    from verify_residence as residence
    join verify_visible as said on said.household = residence.household and said.month <= residence.month and said.size is not null
    order by residence.household, residence.month, said.regency is distinct from residence.regency, said.place, said.valid_from desc
) as size on size.household = residence.household and size.month = residence.month
left join (
    select distinct on (residence.household, residence.month) residence.household, residence.month, said.expenditure, said.modelled
    from verify_residence as residence
    join verify_visible as said on said.household = residence.household and said.month <= residence.month and said.expenditure is not null
    order by residence.household, residence.month, said.regency is distinct from residence.regency, said.place, said.valid_from desc
) as welfare on welfare.household = residence.household and welfare.month = residence.month
left join verify_line as line
    on line.regency = residence.regency
    and line.urbanisation = residence.urbanisation
    and (residence.until is null or line.month < residence.until)
    and (line.until is null or line.until > residence.month);

analyze verify_standing;

insert into verify_logarithm
select amount, ln(amount::numeric(60, 40))
from (
    select line from verify_standing where expenditure / size < line and expenditure / size > 0
    union
    select expenditure / size from verify_standing where expenditure / size < line and expenditure / size > 0
) as needed (amount)
on conflict do nothing;

analyze verify_logarithm;

-- What each household adds to each measure: + in the month in which a standing begins, - in the month in which it ends.
insert into verify_part
select
    village,
    urbanisation,
    change.month,
    sum(change.sign),
    sum(change.sign * people),
    coalesce(sum(change.sign * people) filter (where known), 0),
    coalesce(sum(change.sign) filter (where poor), 0),
    coalesce(sum(change.sign * people) filter (where poor), 0),
    coalesce(sum(change.sign * people * gap) filter (where poor), 0),
    coalesce(sum(change.sign * people * (gap * gap / 1000000000)) filter (where poor), 0),
    coalesce(sum(change.sign * people * (line - each)) filter (where poor), 0),
    coalesce(sum(change.sign * people * round((line_logarithm - each_logarithm) * 1000000000)) filter (where poor and each > 0), 0),
    coalesce(sum(change.sign * people) filter (where poor and each = 0), 0),
    coalesce(sum(change.sign * people) filter (where extreme_line is not null and each is not null), 0),
    coalesce(sum(change.sign * people) filter (where each < extreme_line), 0),
    coalesce(sum(change.sign * people) filter (where each >= line and 2 * each < 3 * line), 0),
    coalesce(sum(change.sign * people) filter (where 2 * each >= 3 * line and 2 * each < 7 * line), 0),
    coalesce(sum(change.sign * people) filter (where 2 * each >= 7 * line and each < 17 * line), 0),
    coalesce(sum(change.sign * people) filter (where each >= 17 * line), 0),
    coalesce(sum(change.sign * expenditure) filter (where known), 0),
    coalesce(sum(change.sign * people) filter (where known and modelled), 0)
from (
    select
        standing.*,
        coalesce(size, 0) as people,
        expenditure / size as each,
        expenditure / size is not null and line is not null as known,
        coalesce(expenditure / size < line, false) as poor,
        case when expenditure / size < line then (line - expenditure / size) * 1000000000 / line end as gap,
        line_logarithm.logarithm as line_logarithm,
        each_logarithm.logarithm as each_logarithm
    from verify_standing as standing
    left join verify_logarithm as line_logarithm on line_logarithm.amount = standing.line
    left join verify_logarithm as each_logarithm on each_logarithm.amount = standing.expenditure / standing.size
) as quantised
cross join lateral (values (month, 1), (until, -1)) as change (month, sign)
where change.month is not null
group by village, urbanisation, change.month;
