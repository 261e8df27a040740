"""Text with a few lines per student: a head, then lists of [questions,] skills, responses and what else there is."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

HEADER = ("student", "skills", "responses", "questions")
_TRIED = 50
_MOST = 6  # lines per student
_NOTHING = "NA"
_BINARY = {"0", "1", "0.0", "1.0"}

Block = tuple[int, str | None, str | None, list[str]]


@dataclass(frozen=True)
class Framing:
    """How many lines a student has, what the head says, and which line holds which list.

    `head` is "length" (a lone number), "id, length" (as in pyKT's data.txt) or "ids" (as in AKT's files: a number and
    an id, and the lists alone tell the length).
    """

    each: int
    head: str
    skills: int
    responses: int
    questions: int | None

    def starts(self, lines: list[str]) -> bool:
        """Whether these lines begin with a whole student."""
        texts = lines[: self.each]
        if len(texts) < self.each or not self.is_head(texts[0]):
            return False
        counts = {line.count(",") + 1 for line in texts[1:] if line != _NOTHING}
        if self.head == "ids":
            return len(counts) == 1
        return counts == {int(texts[0].rpartition(",")[2])}

    def is_head(self, line: str) -> bool:
        """Whether a line can be a student's first."""
        if self.head == "length":
            return line.isdecimal()
        cells = [cell.strip() for cell in line.split(",")]
        return len(cells) == 2 and all(cells) and cells[1].isdecimal()


def _lines(plain: Path) -> list[tuple[int, str]]:
    with plain.open(encoding="utf-8-sig", newline=None) as stream:
        return [(row, line.strip().strip(",\t ")) for row, line in enumerate(stream, 1) if line.strip()]


def framing(plain: Path) -> Framing:
    """The framing of lines that start with a lone number: the one under which most students are whole."""
    lines = [line for _, line in _lines(plain)[: _MOST * _TRIED]]

    def fitting(each: int) -> int:
        frame = _frame(each, "length", [])
        ends = [start + each for start in range(len(lines)) if frame.starts(lines[start:])]
        return sum(end >= len(lines) or frame.is_head(lines[end]) for end in ends)

    each = max(range(3, _MOST + 1), key=fitting)
    frame = _frame(each, "length", [])
    return _frame(each, "length", [lines[i : i + each] for i in range(len(lines)) if frame.starts(lines[i:])])


def framing_of_pairs(plain: Path) -> Framing | None:
    """The framing of lines that start with two values, if all of the first students are whole under one."""
    lines = [line for _, line in _lines(plain)[: _MOST * _TRIED]]
    for each, head in ((_MOST, "id, length"), (4, "ids"), (3, "ids")):
        blocks = [lines[start : start + each] for start in range(0, len(lines), each)]
        whole = [block for block in blocks if _frame(each, head, []).starts(block)]
        if whole and len(whole) >= len(blocks) - (len(lines) == _MOST * _TRIED):
            return _frame(each, head, whole)
    return None


def _frame(each: int, head: str, blocks: list[list[str]]) -> Framing:
    """Which list is which: the responses are the first after another list that hold nothing but 0 and 1."""
    if each == 3:
        return Framing(each, head, 1, 2, None)
    binary = [place for place in (2, 3) if blocks and all(_is_binary(block[place]) for block in blocks)]
    if (head == "length" and binary == [2]) or (each > 4 and binary == [2, 3]):
        return Framing(each, head, 1, 2, 3)
    return Framing(each, head, 2, 3, 1)


def _is_binary(line: str) -> bool:
    return {cell.strip() for cell in line.split(",")} <= _BINARY


def blocks(plain: Path, label: str, frame: Framing) -> Iterator[Block]:
    """(row, problem, line, [student, skills, responses, questions]) per student.

    A student's label is the id in its head, where that is pyKT's, else file and number. After lines that cannot be
    read, the next student starts where a head agrees with its lists.
    """
    lines = _lines(plain)
    each, start, number = frame.each, 0, 0

    def starts(place: int) -> bool:
        return frame.starts([line for _, line in lines[place : place + each]])

    while start < len(lines):
        row, head = lines[start]
        number += 1
        texts = [line for _, line in lines[start : start + each]]
        end, problem = start + each, None
        if not starts(start):
            whole = len(texts) == each and frame.is_head(head) and (end >= len(lines) or frame.is_head(lines[end][1]))
            places = range(start + 1, end if whole else len(lines))
            end = next((i for i in places if starts(i)), places.stop)
            problem = _mismatch(texts) if whole and end == start + each else _cut_short(each)
        name = head.rpartition(",")[0].strip() if frame.head == "id, length" else f"{label}-{number}"
        yield row, problem, head if problem else None, [name, *_lists(frame, texts, problem)]
        start = end


def _lists(frame: Framing, texts: list[str], problem: str | None) -> list[str]:
    if problem:
        return ["", "", ""]
    questions = texts[frame.questions] if frame.questions else ""
    return [texts[frame.skills], texts[frame.responses], "" if questions == _NOTHING else questions]


def _cut_short(each: int) -> str:
    return f"expected a length and then {each - 1} lists of that length; the next student starts further on"


def _mismatch(texts: list[str]) -> str:
    counts = ", ".join(str(line.count(",") + 1) for line in texts[1:])
    return f"the length says {texts[0]} and the lists have {counts} values; all must agree"
