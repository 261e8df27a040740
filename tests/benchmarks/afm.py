"""AFM on DataShop's data set 96 by us and by scikit-learn, coefficient by coefficient, and DataShop's predictions.

python -m tests.benchmarks.afm [STUDENT_STEP_EXPORT]    # ../shared/data/datashop_ds96/... by default
"""

import sys
from pathlib import Path

import numpy as np
import pandas as pd

from gainakt.analysis.learning import afm
from gainakt.analysis.learning.observations import observations
from gainakt.config import DataConfig
from gainakt.data.sources import read
from tests.test_learning import EXPORT, by_sklearn


def main(path: Path) -> None:
    data = read(path)
    model, students, skills = afm.fitted(observations(data)), len(data.students), len(data.skills)
    theirs = by_sklearn(data)
    _, easiness, slope = np.split(theirs, [students, students + skills])
    table = {"skill": [label[:50] for label in data.skills], "easiness": model.easiness, "scikit-learn": easiness}
    table |= {"slope": model.slope, "scikit-learn ": slope}
    print(pd.DataFrame(table).to_string(index=False, float_format="{:.4f}".format))
    ours = np.concatenate([model.level, model.easiness, model.slope])
    print(f"largest difference of {len(ours)} coefficients: {np.abs(ours - theirs).max():.1e} (levels included)")
    single = observations(read(path, DataConfig(skill_model="Single-KC")))
    chance = afm.chances(afm.fitted(single, falling=False), single)
    rows = pd.read_csv(path, sep="\t", dtype=str)
    published = rows["Predicted Error Rate (Single-KC)"].astype(float).groupby(rows["Anon Student Id"]).mean()
    mine = pd.Series(1 - chance).groupby(np.array(data.students)[single.student]).mean()
    apart = (mine.sort_index() - published.sort_index()).abs().max()
    print(f"mean predicted error of a student (Single-KC), ours and DataShop's: {apart:.4f} apart at most")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else EXPORT)
