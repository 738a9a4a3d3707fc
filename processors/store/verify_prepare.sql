-- Verify, step 1: temporary tables, and the reference data in the form that the steps after it join with.
-- Why: everything below is filled from one snapshot, slice by slice, and vanishes with the transaction.
-- Must not: read a figure that is held (only verify_held.sql does).

-- The place of every claimant: of equals, the least one holds (rank, then number of the regency, then source).
create temporary table verify_claimant on commit drop as
select
    source.claimant,
    source.region as regency,
    row_number() over (order by source.rank, region.number, source.source collate "C") as place
from source
join region on region.id = source.region;

-- Every village with every region that it lies in, itself included.
create temporary table verify_above on commit drop as
with recursive above as (
    select id as village, id as region, level, parent from region where level = 'village'
    union all
    select above.village, region.id, region.level, region.parent
    from above
    join region on region.id = above.parent
)
select village, region, level from above;

create temporary table verify_village on commit drop as
select
    region.id as village,
    region.urbanisation,
    above.region as regency
from region
left join verify_above as above on above.village = region.id and above.level = 'regency'
where region.level = 'village';

-- The lines in force, as spans of months [month, until) per regency and urbanisation; null where there is none.
create temporary table verify_line on commit drop as
with recursive above as (
    select id as regency, id as region, level, parent from region where level = 'regency'
    union all
    select above.regency, region.id, region.level, region.parent
    from above
    join region on region.id = above.parent
),
candidate as (
    select
        above.regency,
        lives.urbanisation,
        line.definition,
        greatest(date_trunc('month', line.valid_from::timestamp)::date, origin.first_month) as month,
        line.valid_from,
        line.rupiah,
        row_number() over (
            partition by above.regency, lives.urbanisation, line.definition
            order by
                array_position(array['regency', 'province', 'nation'], above.level), line.urbanisation = 'all', line.valid_from desc
        ) as place
    from above
    cross join reference_version as origin
    cross join (values ('urban'), ('rural')) as lives (urbanisation)
    join poverty_line as line
        on line.region = above.region
        and line.urbanisation in (lives.urbanisation, 'all')
        and (
            above.level in ('regency', 'province')
            or (above.level = 'nation' and line.definition = 'extreme')
        )
),
turn as (
    select regency, urbanisation, month from candidate
    union
    select region.id, lives.urbanisation, origin.first_month
    from region
    cross join reference_version as origin
    cross join (values ('urban'), ('rural')) as lives (urbanisation)
    where region.level = 'regency'
)
select
    turn.regency,
    turn.urbanisation,
    turn.month,
    lead(turn.month) over (partition by turn.regency, turn.urbanisation order by turn.month) as until,
    (
        select candidate.rupiah
        from candidate
        where
            (candidate.regency, candidate.urbanisation, candidate.definition) = (turn.regency, turn.urbanisation, 'national')
            and candidate.month <= turn.month
        order by candidate.place
        limit 1
    ) as national,
    (
        select candidate.rupiah
        from candidate
        where
            (candidate.regency, candidate.urbanisation, candidate.definition) = (turn.regency, turn.urbanisation, 'extreme')
            and candidate.month <= turn.month
        order by candidate.place
        limit 1
    ) as extreme
from turn;

-- The slice's statements as the view gives them.
create temporary table verify_said (
    household uuid not null,
    claimant integer not null,
    valid_from date not null,
    revision bigint not null,
    operation text not null,
    village integer,
    size bigint,
    expenditure bigint,
    basis text
) on commit drop;

-- What was read, by slice; unreadable are bytes that the view makes no statement of, repeated stand twice for one claim and day.
create temporary table verify_reading (
    households bigint not null,
    statements bigint not null,
    unreadable numeric not null,
    repeated bigint not null
) on commit drop;

-- Visible statements of the slice; month is the first one that the statement counts in.
create temporary table verify_visible (
    household uuid not null,
    claimant integer not null,
    place bigint not null,
    regency integer not null,
    valid_from date not null,
    month date not null,
    ends boolean not null,
    village integer,
    size bigint,
    expenditure bigint,
    modelled boolean
) on commit drop;

-- Runs: unbroken residence of a claim in one village, over the months [month, until).
create temporary table verify_run (
    household uuid not null,
    place bigint not null,
    began date not null,
    month date not null,
    until date,
    village integer not null
) on commit drop;

-- Where a household lives in the months [month, until), and in which regency that is.
create temporary table verify_residence (
    household uuid not null,
    month date not null,
    until date,
    village integer not null,
    regency integer,
    urbanisation text not null
) on commit drop;

-- How a household stands in the months [month, until) under one pair of lines; null is what is not known.
create temporary table verify_standing (
    village integer not null,
    urbanisation text not null,
    month date not null,
    until date,
    size bigint,
    expenditure bigint,
    modelled boolean,
    line bigint,
    extreme_line bigint
) on commit drop;

-- Natural logarithms to 40 places, of every amount needed.
create temporary table verify_logarithm (amount bigint primary key, logarithm numeric not null) on commit drop;

-- Signed changes of villages, recomputed: one row per slice, village and month.
create temporary table verify_part (
    village integer not null,
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

create index on verify_line (regency, urbanisation);
analyze verify_claimant;
analyze verify_above;
analyze verify_village;
analyze verify_line;
