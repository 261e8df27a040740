"""The class table: where each student stands, and how many tasks are left."""

import numpy as np
import pandas as pd

from gainakt.analysis.learning.afm import Afm
from gainakt.analysis.learning.mastery import MOST
from gainakt.data.interactions import Interactions

_Z = 1.959964


def students(data: Interactions, courses: pd.DataFrame, model: Afm) -> pd.DataFrame:
    """Per student: AFM's level, tasks done, share correct, skills practised, mastered and with spinning wheels, and the
    tasks left until the practised skills are mastered, with a 95 % interval over the responses that may come."""
    size = len(data.students)
    count = np.bincount(data.student, minlength=size)
    frame = courses.assign(open=~courses["mastered"]).groupby("student")
    sums = frame[["mastered", "spinning", "open", "to_do", "to_do_variance", "extra"]].sum().reindex(range(size))
    mean, half = sums["to_do"].to_numpy(), _Z * np.sqrt(sums["to_do_variance"].to_numpy())
    return pd.DataFrame(
        {
            "student": data.students,
            "level": model.level,
            "tasks": count,
            "share_correct": np.bincount(data.student, data.response, size) / np.maximum(count, 1),
            "skills": frame.size().reindex(range(size), fill_value=0).to_numpy(),
            "mastered": sums["mastered"].to_numpy().astype(int),
            "spinning": sums["spinning"].to_numpy().astype(int),
            "to_do": mean,
            "to_do_low": np.maximum(mean - half, sums["open"].to_numpy()),
            "to_do_high": np.minimum(mean + half, MOST * sums["open"].to_numpy()),
            "extra": sums["extra"].to_numpy().astype(int),
        }
    )


def struggles(data: Interactions, courses: pd.DataFrame, student: int) -> pd.DataFrame:
    """A student's skills that are not mastered, those with most tasks first: tasks, P(known), tasks left."""
    own = courses[(courses["student"] == student) & ~courses["mastered"]]
    own = own.sort_values("tasks", ascending=False)
    labels = np.array(data.skills, dtype=object)[own["skill"]]
    return own.assign(skill=labels)[["skill", "tasks", "known", "spinning", "to_do"]]
