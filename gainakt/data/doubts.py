"""What the read responses themselves make doubtful: repeated rows, equal times, the same students in two files."""

from collections.abc import Iterator

import duckdb

from gainakt.data.checks import Checked
from gainakt.data.readers import MATERIALISED

_TIED = 0.5
_REPEATED = 0.5
_AGAIN = 0.1
_LOOKED_AT = 200_000
_TELLING = 3
"""Responses from which equal ones in two files are taken for those of one student."""


def about(connection: duckdb.DuckDBPyConnection, checked: list[Checked]) -> Iterator[str]:
    """One sentence per doubt; larger data than fit are not looked through."""
    if sum(one.loaded.rows for one in checked) > MATERIALISED:
        return
    if any("time" in one.loaded.opened.mapping.columns for one in checked):
        yield from _equal_rows(connection)
        yield from _equal_times(connection, checked)
    if any("question" in one.loaded.opened.mapping.columns for one in checked):
        yield from _tried_again(connection, sum(one.loaded.rows for one in checked))
    if len(checked) > 1:
        yield from _equal_students(connection, checked)


def _equal_rows(connection: duckdb.DuckDBPyConnection) -> Iterator[str]:
    further = connection.execute(
        """SELECT coalesce(sum(n - 1), 0) FROM (SELECT count(*) AS n FROM long WHERE time IS NOT NULL
        GROUP BY student, side, skill, question, response, time HAVING count(*) > 1)"""
    ).fetchall()[0][0]
    if further:
        yield (
            f"{further:,} row(s) repeat another exactly (student, skill, question, response and time), and are counted;"
            " take them out of the file if they are copies"
        )


def _equal_times(connection: duckdb.DuckDBPyConnection, checked: list[Checked]) -> Iterator[str]:
    total, tied = connection.execute(
        """SELECT coalesce(sum(n), 0), coalesce(sum(n) FILTER (n > 1), 0)
        FROM (SELECT count(*) AS n FROM long WHERE time IS NOT NULL GROUP BY student, side, time)"""
    ).fetchall()[0]
    if total and tied > _TIED * total:
        names = {one.loaded.opened.mapping.named("time") for one in checked} - {""}
        yield (
            f"{tied:,} of {total:,} responses share their time ({', '.join(sorted(names))}) with another of the same"
            " student, so their order is that of the file; a spreadsheet may have rounded the times"
        )


def _tried_again(connection: duckdb.DuckDBPyConnection, rows: int) -> Iterator[str]:
    """Of many responses, those of some students are looked at."""
    total, again = connection.execute(
        f"""SELECT count(*), count(*) FILTER (before = 0 AND same) FROM (SELECT lag(response) OVER following AS before,
            question = lag(question) OVER following AND skill = lag(skill) OVER following AS same
        FROM long WHERE hash(student) % {1 + rows // _LOOKED_AT} = 0
        WINDOW following AS (PARTITION BY student, side ORDER BY time, file, row, position))"""
    ).fetchall()[0]
    if again >= max(_TELLING, _AGAIN * total):
        yield (
            f"{again:,} of {total:,} responses looked at follow an incorrect one of a student to the same question;"
            " if they are further attempts, keep the first of each in the file, or number them in a column 'attempt'"
        )


def _equal_students(connection: duckdb.DuckDBPyConnection, checked: list[Checked]) -> Iterator[str]:
    """Files most of whose responses stand, student by student, in another file as well under another name."""
    repeated = connection.execute(
        f"""WITH each AS (SELECT file, student, count(*) AS n,
            md5(string_agg(concat(skill, ' ', response), ',' ORDER BY row, position)) AS print
            FROM long GROUP BY file, student),
        twice AS (SELECT print FROM each WHERE n >= {_TELLING} GROUP BY print HAVING count(DISTINCT file) > 1)
        SELECT file, sum(n), coalesce(sum(n) FILTER (print IN (SELECT print FROM twice)), 0)
        FROM each GROUP BY file ORDER BY file"""
    ).fetchall()
    if found := [checked[file].loaded.opened.source.path.name for file, n, same in repeated if same > _REPEATED * n]:
        yield (
            f"{', '.join(found)}: most students here have the same responses as students of another of these files;"
            " if they are the same students, name only one of the files"
        )
