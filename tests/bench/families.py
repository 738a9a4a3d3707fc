"""
Invented families for a measure of the database source: no two alike where families are not alike.

Why: what is the same for all would be found in every cache, and measure nothing.
Must not: hold a number that could be somebody's: area 99, streets and names visibly invented.
"""

from tests.producers.kampung import Kampung

__all__ = ["MONTH", "families", "one_by_one"]

_FAMILIES = """
insert into smart_kampung.keluarga select '990101' || lpad((i / 9990 %% 20 + 1)::text, 2, '0') || '01' || lpad((i / 199800)::text, 2, '0')
  || lpad((i %% 9990 + 1)::text, 4, '0'), left(%(village)s, 9) || (2001 + i %% 25)::text, 4, 500000 + i * 7919::bigint %% 4000000,
  (array['SURVEI', 'MODEL'])[1 + i %% 2], (array['MILIK', 'SEWA', 'BEBAS', 'LAIN'])[1 + i %% 4], 20 + i * 31 %% 180,
  (array['KERAMIK', 'UBIN', 'SEMEN', 'TANAH'])[1 + i / 3 %% 4], (array['TEMBOK', 'KAYU', 'BAMBU'])[1 + i / 5 %% 3],
  (array['PAM', 'BOR', 'SUMUR', 'SUNGAI'])[1 + i / 7 %% 4], (array['PLN', 'NON_PLN'])[1 + i / 11 %% 2],
  (array['GAS', 'KAYU', 'LISTRIK'])[1 + i / 13 %% 3], (array['SENDIRI', 'BERSAMA', 'TIDAK'])[1 + i / 17 %% 3], '2024-03-01', false,
  timestamptz '2024-03-01 08:00:00+07' + i * interval '1 second', 'JALAN CONTOH ' || i, 'WARGA ' || lpad(i::text, 6, '0')
  from generate_series(0, %(rows)s - 1) i"""
_MEMBERS = """
insert into smart_kampung.anggota (no_kk, nik, nama, jenis_kelamin, tanggal_lahir, hubungan, kehadiran)
  select no_kk, '990101' || to_char(born, 'DDMMYY') || lpad((n % 9990 + 1)::text, 4, '0'), 'WARGA ' || lpad(n::text, 6, '0'),
    (array['L', 'P'])[1 + n % 2], born, (array['KEPALA', 'ISTRI', 'ANAK', 'ANAK'])[j], 'ADA'
  from (select no_kk, j, n, date '1940-01-01' + (n % 30000)::int as born from (
    select no_kk, j, abs(hashtext(no_kk || j)::bigint) as n from smart_kampung.keluarga, generate_series(1, 4) j) each_one) each_born"""
_AID = """
insert into smart_kampung.bantuan (no_kk, program, bulan, jumlah)
  select no_kk, (array['PKH', 'BPNT', 'BLT-Desa'])[1 + no_kk::bigint % 3], date '2024-01-01' + m * interval '1 month', 200000 + m * 50000
  from smart_kampung.keluarga, generate_series(0, 1) m where no_kk::bigint % 3 = 0"""
MONTH = "update smart_kampung.keluarga set pengeluaran = pengeluaran + 1, berlaku_sejak = '2024-04-01', diubah_pada = clock_timestamp()"
"""Changes every family, in one transaction."""
_EACH = """
do $$ declare r record; begin
  for r in select no_kk from smart_kampung.keluarga where right(no_kk, 1)::int % {0} = 0 loop
    update smart_kampung.keluarga set pengeluaran = pengeluaran + 1, diubah_pada = clock_timestamp() where no_kk = r.no_kk; commit;
  end loop; end $$"""


def families(made: Kampung, rows: int) -> None:
    """Fill a database with families of 25 villages, with four members each, a third of them with aid."""
    made.owner.execute(_FAMILIES, {"village": made.village, "rows": rows})
    made.owner.execute(_MEMBERS)
    made.owner.execute(_AID)
    made.owner.execute("analyze")


def one_by_one(made: Kampung, each: int) -> int:
    """Change one family of so many, each in a transaction of its own; return how many were."""
    made.owner.execute(_EACH.format(each).encode())
    row = made.owner.execute("select count(*) from smart_kampung.keluarga where right(no_kk, 1)::int %% %s = 0", (each,)).fetchone()
    return int(row[0]) if row else 0
