-- Repairs: the audit of rejected events that were mended and sent again. It outlives a rebuild, so it refers to a dead letter by its
-- coordinates, never by a row of `rejected`, and repeats the cause.

create table repair (
    id bigint generated always as identity primary key,
    topic text not null,
    topic_id text not null,
    partition integer not null,
    record_offset bigint not null,
    cause text not null,
    field text not null,
    repaired_by text not null check (repaired_by <> ''),
    account text not null,
    reason text not null check (reason <> ''),
    file_name text not null,
    file_digest bytea not null check (length(file_digest) = 32),
    changes jsonb not null,
    value_digest bytea not null check (length(value_digest) = 32),
    begun_at timestamptz not null default clock_timestamp(),
    sent_topic text not null,
    sent_partition integer,
    sent_offset bigint,
    sent_at timestamptz,
    check (num_nulls(sent_partition, sent_offset, sent_at) in (0, 3))
);
create index repair_of on repair (topic, topic_id, partition, record_offset);
comment on table repair is 'Who repaired which rejected event, when, why, and how. A row is written before its event is sent; sent_at says that the broker has it. changes: of each field how, before and after, pseudonyms, codes and dates only.';
