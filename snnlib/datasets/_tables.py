"""The tables of experiments 1 and 2: iris and birth weight."""

from importlib import resources

import numpy as np

from snnlib.checks import check_bool
from snnlib.datasets._dataset import Dataset, assemble

_BIRTH_WEIGHT_FEATURES = {
    # column of the table: (name, unit)
    "age": ("age", "years"),
    "lwt": ("weight", "pounds"),
    "race": ("race", "1 white, 2 black, 3 other"),
    "smoke": ("smoking", "0/1"),
    "ptl": ("premature labours", "count"),
    "ht": ("hypertension", "0/1"),
    "ui": ("uterine irritability", "0/1"),
}


def load_iris_setosa(*, corrected: bool = True) -> Dataset:
    """Load Iris setosa: petal width on sepal width, 50 flowers (experiment 1).

    The other two species and the two lengths are left out, as in the paper. Rows are in
    published order; nothing is scaled.

    Parameters
    ----------
    corrected : bool, default=True
        True gives Fisher's printed figures, as scikit-learn does since 0.20. False
        gives the UCI file that scikit-learn distributed until then, with its slips in
        rows 34 (petal width 0.1, not 0.2) and 37 (sepal width 3.1, not 3.6) counted
        from 0. A paper of 2019 may have used either.

    Returns
    -------
    dataset : Dataset
        ``data`` of shape (50, 1): sepal width in cm. ``target`` of shape (50,): petal
        width in cm.

    Raises
    ------
    ValueError
        If ``corrected`` is not a bool.

    Examples
    --------
    >>> iris = load_iris_setosa()
    >>> iris
    <Dataset iris setosa: 50 samples, 1 feature, target 'petal width'>
    >>> iris.data[34, 0], iris.target[34]
    (np.float64(3.1), np.float64(0.2))
    """
    from sklearn.datasets import load_iris

    check_bool("corrected", corrected, owner="load_iris_setosa")
    iris = load_iris()
    setosa = iris.data[iris.target == 0]
    sepal_width, petal_width = setosa[:, [1]], setosa[:, 3].copy()
    figures = "as Fisher printed them"
    if not corrected:
        figures = "with the two slips of the UCI file"
        sepal_width[37] = 3.1
        petal_width[34] = 0.1
    return assemble(
        name="iris setosa",
        data=sepal_width,
        target=petal_width,
        feature_names=("sepal width",),
        feature_units=("cm",),
        target_name="petal width",
        target_unit="cm",
        description=f"Sepal and petal width of 50 flowers of Iris setosa, {figures}.",
        source="Fisher, Annals of Eugenics 7 (1936) 179-188; scikit-learn's copy",
    )


def load_birth_weight(*, dummies: bool = False) -> Dataset:
    """Load low birth weight: seven facts about 189 mothers (experiment 2).

    Of the babies 130 are of normal weight and 59 low (below 2500 g). The table's number
    of visits to a physician is not among the paper's seven features. Nor is the baby's
    weight, which defines the label. Nothing is scaled.

    Parameters
    ----------
    dummies : bool, default=False
        False gives race as one column coded 1, 2, 3, as in the paper. True gives it as
        two 0/1 columns, black and other (white is neither), as a linear model needs it.

    Returns
    -------
    dataset : Dataset
        ``data`` of shape (189, 7), or (189, 8) with ``dummies``: age in years, weight
        at the last menstrual period in pounds, race, smoking during pregnancy (0/1),
        number of premature labours before, history of hypertension (0/1), uterine
        irritability (0/1). ``target`` of shape (189,): 1 low, 0 normal.

    Raises
    ------
    ValueError
        If ``dummies`` is not a bool.

    Examples
    --------
    >>> birth_weight = load_birth_weight()
    >>> birth_weight.data.shape, birth_weight.target.sum()
    ((189, 7), np.int64(59))
    >>> load_birth_weight(dummies=True).feature_names[2:4]
    ('race: black', 'race: other')
    """
    check_bool("dummies", dummies, owner="load_birth_weight")
    table = _read_birth_weight_table()
    data = np.column_stack([table[column] for column in _BIRTH_WEIGHT_FEATURES])
    names, units = zip(*_BIRTH_WEIGHT_FEATURES.values(), strict=True)
    if dummies:
        data, names, units = _expand_race(data, names, units)
    return assemble(
        name="birth weight",
        data=data,
        target=table["low"].astype(np.int64),
        feature_names=names,
        feature_units=units,
        target_name="birth weight below 2500 g",
        target_unit="0/1",
        target_names=("normal", "low"),
        description=(
            "189 births at the Baystate Medical Center, Springfield, Massachusetts, "
            "1986: 130 of normal weight, 59 low (below 2500 g)."
        ),
        source=(
            "Hosmer and Lemeshow, Applied Logistic Regression (1989), appendix 1; "
            "figures of birthwt in R's package MASS"
        ),
    )


def _read_birth_weight_table() -> dict[str, np.ndarray]:
    path = resources.files("snnlib") / "data" / "birth_weight.csv"
    lines = path.read_text(encoding="utf-8").splitlines()
    header, *rows = [line.split(",") for line in lines if not line.startswith("#")]
    return dict(zip(header, np.array(rows, dtype=np.float64).T, strict=True))


def _expand_race(data, names, units):
    i = names.index("race")
    black_and_other = data[:, [i]] == (2, 3)
    return (
        np.hstack([data[:, :i], black_and_other, data[:, i + 1 :]]),
        (*names[:i], "race: black", "race: other", *names[i + 1 :]),
        (*units[:i], "0/1", "0/1", *units[i + 1 :]),
    )
