"""Measures of a whole run, and of the recovery of a known truth; computed where the run ends."""

from gainakt.measures import metrics
from gainakt.measures.measure import Better, Measure

_FEWEST = metrics.MIN_PER_RESPONSE

OF_RUN = (
    Measure("rate_cv", "CV of effective rates", "Std over mean of the skills' effective rates.", of="run"),
    Measure(
        "rate_skills",
        "Skills with a rate",
        f"Skills with {_FEWEST} correct and {_FEWEST} incorrect responses, so that a rate is known.",
        of="run",
    ),
    Measure(
        "rate_left_out",
        "Skills without a rate",
        f"Skills with fewer than {_FEWEST} correct or {_FEWEST} incorrect responses.",
        of="run",
    ),
    Measure("gamma_mean", "Velocity gamma, mean", "Mean learning velocity of the training students.", of="run"),
    Measure("gamma_std", "Velocity gamma, std", "Standard deviation of the velocities.", of="run"),
    Measure("temperature", "Temperature T", "Of the readout from mastery to probability.", of="run"),
    Measure("theta_mean", "Threshold theta, mean", "Mean mastery threshold.", of="run"),
    Measure(
        "uniform_since",
        "Uniform since epoch",
        f"First epoch from which gain std stayed below {metrics.UNIFORM_STD}.",
        of="run",
    ),
    Measure(
        "spread_since",
        "Spread since epoch",
        f"First epoch from which gain std stayed at {metrics.SPREAD_STD:.2f} or more.",
        of="run",
    ),
    Measure(
        "aggregate_uniform_since",
        "Aggregate uniform since epoch",
        f"First epoch from which the std of the aggregate gain stayed below {metrics.UNIFORM_STD}.",
        of="run",
    ),
    Measure("ability_std", "Ability std", "Spread of the students' abilities, in logits of the curve.", of="run"),
    Measure(
        "skill_level_std",
        "Skill level std",
        "Spread of a student's levels on skills, in logits of the curve.",
        of="run",
    ),
    *(
        Measure(
            f"spread_{name}",
            f"Spread over skills: {label}",
            "Estimated standard deviation over skills in the learning-curve model.",
            of="run",
        )
        for name, label in (
            ("level", "log rate"),
            ("contrast", "response contrast"),
            ("transfer", "log transfer"),
            ("transfer_contrast", "transfer's response contrast"),
            ("offset", "offset"),
            ("height", "log ceiling"),
            ("floor", "threshold"),
        )
    ),
)

RECOVERED = {
    "effective_rate": "effective rate",
    "saturation_over_temperature": "M_sat / T",
    "threshold_over_temperature": "theta / T",
    "offset": "offset",
    "gamma": "velocity gamma",
    "mastery": "mastery",
}
"""Quantity of the truth -> its name in words."""
AGREEMENT: dict[str, tuple[str, str, Better]] = {
    "spearman": ("Rank correlation (Spearman)", "Have learned and true values the same order? 1 is perfect.", "higher"),
    "pearson": ("Correlation (Pearson)", "Do learned values rise in line with the true ones? 1 is perfect.", "higher"),
    "rmse": ("Root mean square error", "Typical distance of learned from true value.", "lower"),
    "slope": ("Slope of true on learned", "1 is ideal; below 1 the learned values are too far apart.", ""),
}
"""Statistic of learned against true values -> label, help, good direction."""

OF_RECOVERY = (
    *(
        Measure(f"{kind}_{name}", f"{label}: {what}", text, better, of="recovery")
        for name, what in RECOVERED.items()
        for kind, (label, text, better) in AGREEMENT.items()
    ),
    Measure("true_rate_cv", "CV of true rates", "Of the skills that are compared.", of="recovery"),
    Measure(
        "true_gain_ratio",
        "True gain ratio",
        "Mean true gain after correct over that after incorrect responses, on the test students.",
        of="recovery",
    ),
    Measure("oracle_auc", "Oracle AUC", "AUC of predictions from the true parameters: the ceiling.", of="recovery"),
    Measure("oracle_log_loss", "Oracle log-loss", "Log-loss from the true parameters: the floor.", of="recovery"),
    Measure(
        "oracle_mastery_correlation",
        "Oracle mastery correlation",
        "Of true mastery with the next response.",
        of="recovery",
    ),
    Measure(
        "oracle_mastery_correlation_by_student",
        "Oracle mastery correlation by student",
        "The same within each student, then the mean.",
        of="recovery",
    ),
    Measure("oracle_interactions", "Interactions compared", "Test interactions whose truth is known.", of="recovery"),
)
