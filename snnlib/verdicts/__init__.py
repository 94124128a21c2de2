"""The paper's claims, judged by rules that were decided before the runs."""

from snnlib.verdicts._choices import beside_constant, multiverse_answers
from snnlib.verdicts._claims import (
    effects_of_depth,
    judge,
    parts_of_claims,
    verdict_table,
)
from snnlib.verdicts._networks import accuracy_table, gain_table, learning_curve
from snnlib.verdicts._questions import (
    Question,
    answer_after,
    answer_questions,
    of_the_effect,
    questions,
)
from snnlib.verdicts._results import (
    BASE,
    NoResultsError,
    compare,
    contrast,
    read_decisions,
    results_at,
)
from snnlib.verdicts._shown import (
    count_seeds,
    show_answers,
    show_contrasts,
    show_verdicts,
)
from snnlib.verdicts._words import effect_in_words

__all__ = [
    "BASE",
    "NoResultsError",
    "Question",
    "accuracy_table",
    "answer_after",
    "answer_questions",
    "beside_constant",
    "compare",
    "contrast",
    "count_seeds",
    "effect_in_words",
    "effects_of_depth",
    "gain_table",
    "judge",
    "learning_curve",
    "multiverse_answers",
    "of_the_effect",
    "parts_of_claims",
    "questions",
    "read_decisions",
    "results_at",
    "show_answers",
    "show_contrasts",
    "show_verdicts",
    "verdict_table",
]
