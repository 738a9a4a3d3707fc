-- The spine: reference data, statements, offsets, cells, outbox, rejected.
-- Measures stand in the order of processors/indicators/catalogue.py; a test holds the columns equal to it.

create table reference_version (
    only_one boolean primary key default true check (only_one),
    version integer not null,
    catalogue_hash text not null,
    first_month date not null check (extract(day from first_month) = 1),
    household_size integer not null check (household_size between 1 and 10000),
    days_ahead integer not null check (days_ahead between 1 and 366)
);
comment on table reference_version is 'One row: the version of all reference data. Batches and folds hold ROW SHARE on this table, loads hold EXCLUSIVE.';

create table region (
    id integer generated always as identity primary key,
    code text not null unique check (code ~ '^(ID|[0-9]+([.][0-9]+)*)$' and length(replace(code, '.', '')) <= 18),
    bps_code text,
    name text not null,
    level text not null check (level in ('nation', 'province', 'regency', 'district', 'village')),
    parent integer references region (id),
    urbanisation text check (urbanisation in ('urban', 'rural')),
    check ((level = 'nation') = (parent is null)),
    check ((level = 'village') = (urbanisation is not null))
);
comment on column region.code is 'Kemendagri code such as 31.74.01.1001; ID is the nation.';
create index region_parent on region (parent);

create table former_regency (
    village integer not null references region (id),
    regency integer not null references region (id),
    until_version integer not null,
    primary key (village, regency)
);
comment on table former_regency is 'Regencies that a village lay in before it moved: they may still speak of it, so what was accepted once stays so in a replay.';

create table source (
    claimant integer generated always as identity primary key,
    region integer not null references region (id),
    source text not null check (source ~ '^[a-z][a-z0-9_-]{0,15}$'),
    rank integer not null check (rank between 1 and 1000),
    unique (region, source)
);
comment on table source is 'Who may speak for whom: claimant is the number of (regency, source) in the packed statements; rank 1 is the best.';

create table poverty_line (
    definition text not null check (definition in ('national', 'extreme')),
    region integer not null references region (id),
    urbanisation text not null check (urbanisation in ('urban', 'rural', 'all')),
    valid_from date not null,
    rupiah bigint not null check (rupiah between 1 and 100000000),
    origin text not null,
    version integer not null,
    primary key (definition, region, urbanisation, valid_from)
);
comment on column poverty_line.rupiah is 'Rupiah per person and month.';

create table household (
    id uuid primary key,
    statements bytea not null
) with (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.3);
alter table household alter column statements set storage external;
comment on table household is 'One row per household with the statements of all its claims, packed (processors/columns/statements.py); the view statement unpacks it.';

create table ingest_offset (
    id integer generated always as identity primary key,
    topic text not null,
    partition integer not null,
    topic_id text not null,
    next_offset bigint not null,
    epoch bigint not null,
    halted text,
    halted_at timestamptz,
    goes_on_at bigint,
    unique (topic, partition)
) with (fillfactor = 20);
comment on column ingest_offset.halted is 'Cause for which this partition waits for a person (muara offsets); null while it moves.';
comment on column ingest_offset.goes_on_at is 'Of a partition halted at a gap: the offset at which its log goes on.';

create table cell_change (
    id bigint generated always as identity primary key,
    keys bytea not null,
    amounts bytea not null,
    arrived_at timestamptz
);
alter table cell_change alter column keys set storage external, alter column amounts set storage external;
comment on table cell_change is 'One row per batch: signed changes of village cells, waiting for the fold. keys: int8 big-endian, village id x 8192 + urban x 4096 + month; amounts: int8 big-endian, measures of each key.';

create table cell (
    region integer not null,
    urbanisation text not null,
    month date not null,
    level text not null,
    households bigint not null,
    people bigint not null,
    known_people bigint not null,
    poor_households bigint not null,
    poor_people bigint not null,
    poverty_gap bigint not null,
    poverty_severity bigint not null,
    rupiah_gap bigint not null,
    log_gap bigint not null,
    zero_expenditure_people bigint not null,
    extreme_known_people bigint not null,
    extreme_poor_people bigint not null,
    vulnerable_people bigint not null,
    aspiring_people bigint not null,
    middle_people bigint not null,
    upper_people bigint not null,
    expenditure bigint not null,
    modelled_people bigint not null,
    primary key (region, urbanisation, month)
) with (fillfactor = 70);
comment on table cell is 'Signed changes of the measures at the beginning of a month, on every level from village to nation; only the fold writes it. The stock of a month is the sum up to it (view measure).';

create table outbox (
    region integer not null,
    urbanisation text not null,
    from_month date not null,
    revision bigint not null,
    primary key (region, urbanisation)
) with (fillfactor = 50);
comment on table outbox is 'Figures of regencies and above that changed since they were last sent: all months from from_month on.';

create table publication (
    only_one boolean primary key default true check (only_one),
    revision bigint not null
);
insert into publication (revision) values (0);

create table rejected (
    id bigint generated always as identity primary key,
    topic text not null,
    topic_id text not null,
    partition integer not null,
    record_offset bigint not null,
    arrived_at timestamptz not null,
    cause text not null,
    field text not null,
    message text not null,
    digest bytea not null,
    sent boolean not null default false,
    unique (topic, topic_id, partition, record_offset)
);
create index rejected_unsent on rejected (id) where not sent;
comment on table rejected is 'Dead letters: coordinates, cause and digest, never the value. A topic made anew begins its offsets again under another topic_id.';

alter table region add column number bigint generated always as (case when code = 'ID' then 0 else replace(code, '.', '')::bigint end) stored;
create unique index region_village_number on region (number) where level = 'village';
comment on column region.number is 'The digits of the code, as packed statements hold a village.';

create view statement as
select
    household.id as household,
    claim.region as claim_region,
    claim.source,
    claim.rank,
    claim.claimant,
    date '1970-01-01' + packed.valid_from as valid_from,
    packed.revision,
    packed.mapping_version,
    (array['UPSERT', 'END', 'RETRACT'])[packed.operation + 1] as operation,
    village.id as village,
    nullif(packed.size, -1) as size,
    nullif(packed.expenditure, -1) as expenditure,
    case when packed.expenditure >= 0 then (array['OBSERVED', 'MODELLED'])[packed.basis + 1] end as basis
from household
cross join lateral generate_series(0, length(household.statements) - 42, 42) as at (byte)
cross join lateral (
    select
        substr(household.statements, at.byte + 1, 4)::integer as valid_from,
        substr(household.statements, at.byte + 5, 4)::integer as claimant,
        substr(household.statements, at.byte + 9, 8)::bigint as revision,
        substr(household.statements, at.byte + 17, 4)::integer as mapping_version,
        get_byte(household.statements, at.byte + 20) as operation,
        get_byte(household.statements, at.byte + 21) as basis,
        substr(household.statements, at.byte + 23, 4)::integer as size,
        substr(household.statements, at.byte + 27, 8)::bigint as village_number,
        substr(household.statements, at.byte + 35, 8)::bigint as expenditure
) as packed
join source as claim on claim.claimant = packed.claimant
left join region as village on village.level = 'village' and village.number = packed.village_number;
comment on view statement is 'Every statement that stands, unpacked: what one source of one regency says of a household from a date on.';
