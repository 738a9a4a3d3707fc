"""
The hand that writes Smart Kampung's transactions into its real database, with the troubles that real databases know.

Why: an adapter that reads a log must bear transactions that are long, huge, rolled back in part or whole, and a table that changes.
Must not: lose a transaction, or write two changes of one family in another order than they happened.

Troubles come by counting transactions, not by chance: work that is rolled back, whole or to a savepoint, and a transaction that stays open
on a second connection while others commit. What it holds is written before anything that touches the same families.
"""

import asyncio
from collections.abc import Iterable

from psycopg import AsyncConnection, sql

from deploy.demo.days import moment
from deploy.demo.kampung import Delete, KampungRegister, Op, Put, Rekey, Row, Touch
from deploy.demo.kampung_tables import AID, FAMILY, MEMBER, TABLES, aid_of, family_of, members_of
from deploy.demo.people import People

__all__ = ["KampungWriter"]

_REST_S = 0.02
_TOGETHER = 40
"""So many of the register's transactions may be written as one."""
_ROLLED_BACK_EVERY, _SAVEPOINT_EVERY, _LONG_EVERY = 13, 7, 29
_LONG_LASTS, _LONG_S = 5, 1.0
"""A long transaction stays open while so many others commit, or so long where there are no more."""
_MANY = 1_000
_COLUMNS = sql.SQL(", ").join(map(sql.Identifier, FAMILY))
_SET = sql.SQL(", ").join(sql.SQL("{0} = excluded.{0}").format(sql.Identifier(name)) for name in FAMILY[1:])
_PUT = sql.SQL("insert into smart_kampung.keluarga ({}) values ({}) on conflict (no_kk) do update set {}").format(
    _COLUMNS, sql.SQL(", ").join(sql.Placeholder() * len(FAMILY)), _SET
)
_REKEY = sql.SQL("update smart_kampung.keluarga set ({}) = row({}) where no_kk = %s").format(
    _COLUMNS, sql.SQL(", ").join(sql.Placeholder() * len(FAMILY))
)
_NONSENSE = "update smart_kampung.keluarga set pengeluaran = 1, berlaku_sejak = date '2024-01-01' where kode_desa = %s"


class KampungWriter:
    """Takes transactions out of a register and writes them, in their order."""

    def __init__(self, register: KampungRegister, people: People, database: str) -> None:
        """Know where to write; nothing is written yet."""
        self._register, self._people, self._database = register, people, database
        self._in_hand = 0
        self._done = 0
        self._long: AsyncConnection | None = None
        self._long_cards: set[str] = set()
        self._long_since, self._long_opened_s = 0, 0.0
        self._members: dict[str, int] = {}
        """By card, a hash of the members that stand in the table."""

    @property
    def waiting(self) -> int:
        """How many transactions are not committed yet."""
        return len(self._register.log) + self._in_hand + len(self._long_cards)

    async def run(self) -> None:
        """Make the tables, and write what the register has, for ever."""
        async with (
            await AsyncConnection.connect(self._database, autocommit=True) as usual,
            await AsyncConnection.connect(self._database, autocommit=True) as second,
        ):
            await usual.execute(TABLES)
            while True:
                if self._register.log:
                    await self._next(usual, second)
                else:
                    if asyncio.get_running_loop().time() > self._long_opened_s + _LONG_S:
                        await self._end_long()
                    await asyncio.sleep(_REST_S)

    async def _next(self, usual: AsyncConnection, second: AsyncConnection) -> None:
        """Write the next transactions together, on the second connection at times, where they stay open."""
        ops = self._take()
        cards = {card for op in ops for card in _cards(op)}
        alone = any(not _cards(op) for op in ops)
        self._done += 1
        if alone or cards & self._long_cards or self._done - self._long_since > _LONG_LASTS:
            await self._end_long()
        if self._done % _LONG_EVERY == 0 and not alone and self._long is None:
            await second.execute("begin")
            await self._write(second, ops)
            self._long, self._long_cards, self._long_since = second, cards, self._done
            self._long_opened_s = asyncio.get_running_loop().time()
        else:
            if self._done % _ROLLED_BACK_EVERY == 0 and self._long is None:
                await _rolled_back(usual, ops)
            async with usual.transaction():
                if self._done % _SAVEPOINT_EVERY == 0 and self._long is None:
                    await _rolled_back(usual, ops)
                await self._write(usual, ops)
        self._in_hand = 0

    def _take(self) -> list[Op]:
        """Take transactions out of the register: some that are small, or one that touches a whole village or the table."""
        log, ops = self._register.log, list[Op]()
        while log and self._in_hand < _TOGETHER and not (self._in_hand and (_is_alone(log[0]) or len(ops) > _MANY)):
            self._in_hand += 1
            ops += (taken := log.popleft())
            if _is_alone(taken):
                break
        return ops

    async def _end_long(self) -> None:
        if self._long is not None:
            await self._long.execute("commit")
            self._long, self._long_cards = None, set()

    async def _write(self, connection: AsyncConnection, ops: list[Op]) -> None:
        if len(ops) > _MANY and not self._members:
            await self._load(connection, [op.row for op in ops if isinstance(op, Put)])
            return
        async with connection.pipeline():
            for op in ops:
                await self._one(connection, op)

    async def _one(self, connection: AsyncConnection, op: Op) -> None:
        match op:
            case Put(row):
                await connection.execute(_PUT, family_of(row))
                await self._lists(connection, row)
            case Delete(card):
                for table in ("anggota", "bantuan", "keluarga"):
                    await connection.execute(_where(sql.SQL("delete from {} where no_kk = %s"), table), (card,))
                self._members.pop(card, None)
            case Rekey(card, row):
                for table in ("anggota", "bantuan"):
                    await connection.execute(
                        _where(sql.SQL("update {} set no_kk = %s where no_kk = %s"), table), (row.household.card, card)
                    )
                await connection.execute(_REKEY, (*family_of(row), card))
                if card in self._members:
                    self._members[row.household.card] = self._members.pop(card)
            case Touch(village, at):
                await connection.execute("update smart_kampung.keluarga set diubah_pada = %s where kode_desa = %s", (moment(at), village))
            case _:
                await connection.execute("alter table smart_kampung.keluarga add column catatan text")

    async def _lists(self, connection: AsyncConnection, row: Row) -> None:
        """Write a family's members and aid anew where they are told and others than before."""
        card = row.household.card
        if row.members is not None and self._members.get(card) != (told := hash(row.members)):
            self._members[card] = told
            await connection.execute("delete from smart_kampung.anggota where no_kk = %s", (card,))
            for member in members_of(card, row.members, self._people):
                await connection.execute(_insert("anggota", MEMBER), member)
        if row.aid is not None:
            await connection.execute("delete from smart_kampung.bantuan where no_kk = %s", (card,))
            for paid in aid_of(card, row.aid, row.fact.day):
                await connection.execute(_insert("bantuan", AID), paid)

    async def _load(self, connection: AsyncConnection, rows: list[Row]) -> None:
        """Write many families into tables that are empty."""
        self._members = {row.household.card: hash(row.members) for row in rows}
        await _copy(connection, "keluarga", FAMILY, map(family_of, rows))
        members = (one for row in rows for one in members_of(row.household.card, row.members or (), self._people))
        await _copy(connection, "anggota", MEMBER, members)
        await _copy(connection, "bantuan", AID, (one for row in rows for one in aid_of(row.household.card, row.aid or (), row.fact.day)))


def _cards(op: Op) -> tuple[str, ...]:
    """Return the cards that an operation touches; none for one that touches others than it names."""
    match op:
        case Put(row):
            return (row.household.card,)
        case Delete(card):
            return (card,)
        case Rekey(card, row):
            return card, row.household.card
        case _:
            return ()


def _is_alone(transaction: tuple[Op, ...]) -> bool:
    return not all(map(_cards, transaction))


async def _rolled_back(connection: AsyncConnection, ops: list[Op]) -> None:
    """Write nonsense over a whole village, and take it back: to a savepoint where a transaction is open."""
    villages = [op.row.village for op in ops if isinstance(op, Put)]
    async with connection.transaction(force_rollback=True):
        await connection.execute(_NONSENSE, (villages[0] if villages else "",))


def _where(statement: sql.SQL, table: str) -> sql.Composed:
    return statement.format(sql.Identifier("smart_kampung", table))


def _insert(table: str, columns: tuple[str, ...]) -> sql.Composed:
    names, values = sql.SQL(", ").join(map(sql.Identifier, columns)), sql.SQL(", ").join(sql.Placeholder() * len(columns))
    return sql.SQL("insert into {} ({}) values ({})").format(sql.Identifier("smart_kampung", table), names, values)


async def _copy(connection: AsyncConnection, table: str, columns: tuple[str, ...], rows: Iterable[tuple[object, ...]]) -> None:
    names = sql.SQL(", ").join(map(sql.Identifier, columns))
    into = sql.SQL("copy {} ({}) from stdin").format(sql.Identifier("smart_kampung", table), names)
    async with connection.cursor() as cursor, cursor.copy(into) as copy:
        for number, row in enumerate(rows):
            await copy.write_row(row)
            if number % _MANY == 0:
                await asyncio.sleep(0)
