"""Data for gpu.py without DuckDB: pyKT's files, or a drawn class."""

import csv
from pathlib import Path

import numpy as np

from gainakt.data.interactions import NO_FOLD, TEST, Interactions


def drawn_class(students: int, skills: int, mean_length: int, seed: int = 0) -> Interactions:
    """Students with learning curves that differ between skills, without the simulator (which reads no files either)."""
    rng = np.random.default_rng(seed)
    length = np.clip(rng.geometric(1 / mean_length, students), 2, 20 * mean_length)
    student = np.repeat(np.arange(students, dtype=np.int32), length)
    block = np.concatenate([np.arange(n) // 6 for n in length])  # runs of six on one skill
    skill = ((student * 7919 + block * 104729) % skills).astype(np.int32)
    order = np.lexsort((np.arange(len(skill)), skill, student))
    changes = np.r_[True, (np.diff(student[order]) != 0) | (np.diff(skill[order]) != 0)]
    start = np.maximum.accumulate(np.where(changes, np.arange(len(order)), 0))
    practice = np.empty(len(order))
    practice[order] = np.arange(len(order)) - start
    rate, level = rng.uniform(0.1, 0.6, skills), rng.normal(0, 0.8, skills)
    logit = level[skill] + rate[skill] * np.minimum(practice, 10) + rng.normal(0, 0.7, students)[student]
    return Interactions(
        name="drawn class", source="drawn for gpu.py", students=[f"s{i}" for i in range(students)],
        skills=[f"skill {i}" for i in range(skills)], student=student, skill=skill,
        response=(rng.random(len(logit)) < 1 / (1 + np.exp(-logit))).astype(np.int8),
        fold=np.full(students, NO_FOLD, np.int16), rows=len(logit),
    )  # fmt: skip


def read_pykt(folder: Path) -> Interactions:
    """pyKT's train_valid.csv and test.csv, read without DuckDB."""
    csv.field_size_limit(10**9)
    rows = []
    for name in ("train_valid.csv", "test.csv"):
        with (folder / name).open(newline="") as file:
            for row in csv.DictReader(file):
                pairs = zip(row["concepts"].split(","), row["responses"].split(","), strict=True)
                kept = [(skill, int(response)) for skill, response in pairs if skill != "-1"]
                rows.append((f"{name}:{row['uid']}", TEST if name == "test.csv" else int(row["fold"]), kept))
    skills = sorted({skill for *_, kept in rows for skill, _ in kept})
    place = {skill: i for i, skill in enumerate(skills)}
    return Interactions(
        name=folder.name, source=str(folder), students=[name for name, *_ in rows], skills=skills,
        student=np.repeat(np.arange(len(rows), dtype=np.int32), [len(kept) for *_, kept in rows]),
        skill=np.array([place[skill] for *_, kept in rows for skill, _ in kept], np.int32),
        response=np.array([response for *_, kept in rows for _, response in kept], np.int8),
        fold=np.array([fold for _, fold, _ in rows], np.int16), rows=len(rows),
    )  # fmt: skip
