-- What a partition waits for, and when it last moved: for whoever asks how things stand. No batch and no figure depends on it.

alter table ingest_offset add column waits_for text, add column moved_at timestamptz;
comment on column ingest_offset.waits_for is 'Why this partition stands back although nothing is wrong with it, such as a registry that does not answer; null once it moves or is taken over.';
comment on column ingest_offset.moved_at is 'When its last batch was committed.';
