"""Three- and four-line text: length, [questions,] skills, responses of one student after the other."""

from collections.abc import Iterator
from pathlib import Path

HEADER = ("student", "skills", "responses", "questions")
_TRIED = 50

Block = tuple[int, str | None, str | None, list[str]]


def _lines(plain: Path) -> list[tuple[int, str]]:
    with plain.open(encoding="utf-8-sig", newline=None) as stream:
        return [(row, line.strip().strip(",\t ")) for row, line in enumerate(stream, 1) if line.strip()]


def _is_head(line: str) -> bool:
    return line.isdecimal()


def _agrees(lines: list[str]) -> bool:
    """Whether a length is followed by lists of that length."""
    return _is_head(lines[0]) and all(line.count(",") + 1 == int(lines[0]) for line in lines[1:])


def lines_per_student(plain: Path) -> int:
    """3 or 4: the framing under which more lengths agree with their lists and are followed by the next length."""
    lines = _lines(plain)[: 4 * _TRIED]

    def fitting(each: int) -> int:
        ends = [start + each for start in range(len(lines)) if _starts(lines, start, each)]
        return sum(end >= len(lines) or _is_head(lines[end][1]) for end in ends)

    return 4 if fitting(4) > fitting(3) else 3


def blocks(plain: Path, label: str, each: int) -> Iterator[Block]:
    """(row, problem, line, [student, skills, responses, questions]) per student; a student's label is file and number.

    After lines that cannot be read, the next student starts where a length agrees with its lists.
    """
    lines = _lines(plain)
    start, number = 0, 0
    while start < len(lines):
        row, head = lines[start]
        number += 1
        texts = [line for _, line in lines[start : start + each]]
        end, problem = start + each, None
        if not _starts(lines, start, each):
            whole = len(texts) == each and _is_head(head) and (end >= len(lines) or _is_head(lines[end][1]))
            places = range(start + 1, end if whole else len(lines))
            end = next((i for i in places if _starts(lines, i, each)), places.stop)
            problem = _mismatch(texts) if whole and end == start + each else _cut_short(each)
        lists = ["", ""] if problem else [texts[-2], texts[-1]]
        questions = texts[1] if each == 4 and not problem else ""
        yield row, problem, head if problem else None, [f"{label}-{number}", *lists, questions]
        start = end


def _starts(lines: list[tuple[int, str]], start: int, each: int) -> bool:
    texts = [line for _, line in lines[start : start + each]]
    return len(texts) == each and _agrees(texts)


def _cut_short(each: int) -> str:
    return f"expected a length and then {each - 1} lists of that length; the next student starts further on"


def _mismatch(texts: list[str]) -> str:
    counts = ", ".join(str(line.count(",") + 1) for line in texts[1:])
    return f"the length says {texts[0]} and the lists have {counts} values; all must agree"
