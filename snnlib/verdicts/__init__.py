"""The paper's claims, judged by rules that were decided before the runs."""

from snnlib.verdicts._choices import beside_constant, multiverse_answers
from snnlib.verdicts._claims import (
    judge,
    parts_of_claims,
    verdict_table,
)
from snnlib.verdicts._grids import (
    FACTORS,
    grid_accuracies,
    grid_networks,
    score_grids,
    shares_over_seeds,
)
from snnlib.verdicts._networks import accuracy_table, gain_table, learning_curve
from snnlib.verdicts._questions import (
    Question,
    answer_after,
    answer_questions,
    ask_together,
    of_the_effect,
    questions,
)
from snnlib.verdicts._recipe import (
    accepted_by_recipe,
    recipe_numbers,
    recipe_trials,
    show_criteria,
    show_recipe,
    trial_table,
)
from snnlib.verdicts._results import (
    BASE,
    NoResultsError,
    compare,
    contrast,
    read_decisions,
    results_at,
)
from snnlib.verdicts._settings import (
    Answer,
    Setting,
    effect_between,
    parts_at,
    runs_along,
    runs_at,
    runs_by_setting,
    verdict_at,
    ways_of,
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
    "FACTORS",
    "Answer",
    "NoResultsError",
    "Question",
    "Setting",
    "accepted_by_recipe",
    "accuracy_table",
    "answer_after",
    "answer_questions",
    "ask_together",
    "beside_constant",
    "compare",
    "contrast",
    "count_seeds",
    "effect_between",
    "effect_in_words",
    "gain_table",
    "grid_accuracies",
    "grid_networks",
    "judge",
    "learning_curve",
    "multiverse_answers",
    "of_the_effect",
    "parts_at",
    "parts_of_claims",
    "questions",
    "read_decisions",
    "recipe_numbers",
    "recipe_trials",
    "results_at",
    "runs_along",
    "runs_at",
    "runs_by_setting",
    "score_grids",
    "shares_over_seeds",
    "show_answers",
    "show_contrasts",
    "show_criteria",
    "show_recipe",
    "show_verdicts",
    "trial_table",
    "verdict_at",
    "verdict_table",
    "ways_of",
]
