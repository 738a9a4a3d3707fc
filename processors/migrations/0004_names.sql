-- Names: a household that goes by several, since keys of pseudonyms are rotated.
-- Why: whoever speaks of it under an older name must come to the same row, so that two writers of one household always collide there.
-- Both columns come without a rewrite, and the check without a look at rows that are there: they have neither.

alter table household add column same_as uuid, add column links bytea;
alter table household alter column links set storage external;
alter table household add constraint household_elsewhere check (same_as is null or (links is null and length(statements) = 0)) not valid;
comment on table household is 'One row per household with the statements of all its claims, packed (processors/columns/statements.py); the view statement unpacks it. Of a household with several names the row of the newest; the rows of the others are empty and say so.';
comment on column household.same_as is 'Of a name that a household no longer goes by: the name by which it does, whose row has everything; null in every other row.';
comment on column household.links is 'All that was ever said of which names are one household, packed (processors/columns/names.py); null where nothing was. The view link unpacks it.';

create view link as
select
    household.id as stands_at,
    encode(substr(household.links, at.byte + 1, 16), 'hex')::uuid as previous,
    encode(substr(household.links, at.byte + 17, 16), 'hex')::uuid as household,
    substr(household.links, at.byte + 33, 4)::integer as key_version
from household
cross join lateral generate_series(0, length(household.links) - 36, 36) as at (byte)
where household.links is not null;
comment on view link is 'What was said of names: previous and household are one family card, the latter by the key of key_version, the former by an older one; stands_at is the row that holds it.';
