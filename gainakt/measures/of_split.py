"""Measures of one split of students, each with how it is computed from the split's predictions, if that suffices."""

from collections.abc import Callable
from typing import Any

from gainakt.measures import accuracy, metrics
from gainakt.measures.measure import Compute, Measure
from gainakt.measures.predictions import Split


def _gain(name: str) -> Compute:
    return lambda split: split.gain_statistics.get(name)


def _component(name: str) -> Compute:
    return lambda split: split.variance_components.get(name)


def _of_both(of: Callable[[Any, Any], float | None]) -> tuple[tuple[str, Compute], ...]:
    """A measure of responses and probabilities, of either encoder's."""
    return ("encoder1", lambda split: of(split.target, split.p1)), (
        "encoder2",
        lambda split: of(split.target, split.p2),
    )


def _with_next(split: Split) -> float | None:
    gain = split.gain_before_next
    return None if gain is None else metrics.correlation(gain, split.predictions.target)


def _number(value: int | None) -> float | None:
    return None if value is None else float(value)


OF_SPLIT = (
    Measure(
        "encoder1_auc",
        "Encoder 1 AUC",
        "Area under the ROC curve of Encoder 1's prediction of the next response. Of a yardstick: its own.",
        "higher",
        lambda s: metrics.auc(s.target, s.p1),
        ("runs", "primary", "compared"),
        "AUC 1",
    ),
    Measure(
        "encoder2_auc",
        "Encoder 2 AUC",
        "The same for Encoder 2, whose prediction comes from mastery alone.",
        "higher",
        lambda s: metrics.auc(s.target, s.p2),
        ("runs", "primary", "compared"),
        "AUC 2",
    ),
    Measure(
        "bce",
        "Encoder 1 log-loss",
        "Binary cross-entropy in nats per scored interaction.",
        "lower",
        lambda s: metrics.log_loss(s.target, s.p1),
        ("primary",),
    ),
    Measure(
        "im",
        "Encoder 2 log-loss (IM)",
        "Incremental-mastery loss: Encoder 2's binary cross-entropy in nats.",
        "lower",
        lambda s: metrics.log_loss(s.target, s.p2),
        ("primary", "compared"),
    ),
    *(
        Measure(
            f"{encoder}_{name}",
            f"Encoder {encoder[-1]} {label}",
            text,
            "lower",
            compute,
            ("compared",) if name == "ece" else (),
        )
        for name, label, text, of in (
            ("rmse", "RMSE", "Root mean square error of its probability of a correct response.", accuracy.rmse),
            (
                "ece",
                "ECE",
                "Expected calibration error: mean distance of its probability and the share of correct responses over"
                f" {accuracy.BINS} equally wide bins.",
                accuracy.ece,
            ),
        )
        for encoder, compute in _of_both(of)
    ),
    *(
        Measure(
            f"encoder1_auc_{end}",
            f"AUC, {end} end",
            f"{end.capitalize()} end of the AUC's 95 % interval over students. Of yardsticks only.",
        )
        for end in ("lower", "upper")
    ),
    Measure(
        "im_second_table",
        "IM, second table",
        "Published records only: the original study gives two values for the same epoch.",
        "lower",
    ),
    Measure(
        "gain_mean",
        "Gain mean",
        "Mean gain of the practised skill, between 0 and 1.",
        "",
        _gain("gain_mean"),
        ("gains",),
    ),
    Measure(
        "gain_std",
        "Gain std",
        "Standard deviation of the practised skill's gains. A large one proves nothing alone.",
        "",
        _gain("gain_std"),
        ("runs", "compared", "gains"),
        "Gain std",
    ),
    Measure("gain_min", "Smallest gain", "Of the practised skill.", "", _gain("gain_min"), ("gains",)),
    Measure("gain_max", "Largest gain", "Of the practised skill.", "", _gain("gain_max"), ("gains",)),
    Measure("gain_range", "Gain range", "Largest minus smallest gain.", "", _gain("gain_range"), ("gains",)),
    Measure("gain_cv", "Gain CV", "Std over mean of the gains.", "", _gain("gain_cv"), ("compared", "gains")),
    Measure(
        "skill_gain_mean",
        "Mean of skill gains",
        "Mean over skills of each skill's mean gain.",
        "",
        _gain("skill_gain_mean"),
        ("skills",),
    ),
    Measure(
        "skill_gain_std",
        "Std of skill gains",
        "Standard deviation over skills of each skill's mean gain.",
        "",
        _gain("skill_gain_std"),
        ("skills",),
    ),
    Measure(
        "skill_gain_cv",
        "CV of skill gains",
        "Std over mean of the skills' mean gains.",
        "",
        _gain("skill_gain_cv"),
        ("runs", "compared", "skills"),
        "Skill CV",
    ),
    Measure(
        "skills_seen", "Skills practised", "Skills with a gain in this split.", "", _gain("skills_seen"), ("skills",)
    ),
    Measure(
        "gain_after_incorrect",
        "Gain after incorrect",
        "Mean gain at incorrect responses.",
        "",
        _gain("gain_after_incorrect"),
    ),
    Measure(
        "gain_after_correct", "Gain after correct", "Mean gain at correct responses.", "", _gain("gain_after_correct")
    ),
    Measure(
        "response_gain_ratio",
        "Gain after correct / incorrect",
        "Mean gain at correct over mean gain at incorrect responses.",
        "",
        _gain("response_gain_ratio"),
        ("runs", "compared"),
        "Gain ratio",
    ),
    Measure(
        "gain_variance_skill",
        "Gain variance: skills",
        "Share of the gains' variance between skill means.",
        "",
        _component("gain_variance_skill"),
    ),
    Measure(
        "gain_variance_student",
        "Gain variance: students",
        "Share between student means, after skills.",
        "",
        _component("gain_variance_student"),
    ),
    Measure(
        "gain_variance_response",
        "Gain variance: responses",
        "Share between responses, after skills and students.",
        "",
        _component("gain_variance_response"),
    ),
    Measure("gain_variance_rest", "Gain variance: rest", "Share left over.", "", _component("gain_variance_rest")),
    Measure(
        "mastery_correlation",
        "Mastery correlation",
        "Pearson r of mastery with the next response, all pooled.",
        "higher",
        lambda s: metrics.correlation(s.mastery, s.target),
        ("runs", "primary", "compared", "mastery"),
        "Mastery r",
    ),
    Measure(
        "mastery_correlation_by_student",
        "Mastery correlation by student",
        "The same within each student, then the mean over students who vary.",
        "higher",
        lambda s: s.mastery_by_student[0],
        ("mastery",),
    ),
    Measure(
        "mastery_correlation_students_left_out",
        "Mastery correlation: students left out",
        "Students whose mastery or responses never change, for whom no correlation is defined.",
        "",
        lambda s: _number(s.mastery_by_student[1]),
    ),
    Measure(
        "mastery_correlation_seed_form",
        "Mastery correlation, original form",
        "The original study's: per student, mastery averaged over skills with the response just given.",
        "",
        tables=("compared", "mastery"),
    ),
    Measure(
        "mastery_correlation_concurrent",
        "Mastery correlation, concurrent",
        "Mastery after a response with that response. It contains the answer, so it predicts nothing.",
        "",
        tables=("mastery",),
    ),
    Measure(
        "encoder1_correlation",
        "Encoder 1 correlation",
        "Pearson r of Encoder 1's probability with the next response.",
        "higher",
        lambda s: metrics.correlation(s.p1, s.target),
    ),
    Measure(
        "gain_correlation",
        "Gain correlation",
        "Pearson r of a gain with the next response, all pooled.",
        "",
        _with_next,
        ("primary",),
    ),
    Measure(
        "gain_correlation_by_student",
        "Gain correlation by student",
        "The same within each student, then the mean over students who vary.",
        "",
        lambda s: s.gain_by_student[0],
    ),
    Measure(
        "gain_correlation_students_left_out",
        "Gain correlation: students left out",
        "Students whose gains or responses never change.",
        "",
        lambda s: _number(s.gain_by_student[1]),
    ),
    Measure(
        "gain_correlation_concurrent",
        "Gain correlation, concurrent",
        "Pearson r of a gain with the response just given.",
        "",
        lambda s: metrics.correlation(s.gains, s.predictions.gain_response),
    ),
    Measure(
        "gain_correlation_seed_form",
        "Gain correlation, original form",
        "The original study's: per student, gain averaged over skills with the response just given.",
    ),
    Measure(
        "aggregate_gain_mean",
        "Aggregate gain mean",
        "Mean of what the original study reported as gain; no prediction uses it.",
        "",
        lambda s: float(s.predictions.aggregate.mean()),
    ),
    Measure(
        "aggregate_gain_std",
        "Aggregate gain std",
        "Its standard deviation; layer normalisation keeps it tiny.",
        "",
        lambda s: float(s.predictions.aggregate.std()),
    ),
    Measure(
        "beta_std",
        "Beta std",
        "Standard deviation of the slopes beta. Passes the original criterion untrained.",
        "",
        tables=("compared",),
    ),
)
