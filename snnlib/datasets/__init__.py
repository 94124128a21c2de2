"""Load the paper's data sets, all as one type, and split them as the paper did.

Sources
-------
Iris
    R. A. Fisher, "The use of multiple measurements in taxonomic problems", Annals of
    Eugenics 7 (1936) 179-188, as distributed with scikit-learn.
Birth weight
    D. W. Hosmer and S. Lemeshow, *Applied Logistic Regression*, Wiley (1989), appendix
    1: Baystate Medical Center, Springfield, Massachusetts, 1986. The figures are those
    of ``birthwt`` in R's package MASS, all ten columns, in ``data/birth_weight.csv``.
Digits
    E. Alpaydin and C. Kaynak, "Optical recognition of handwritten digits", UCI Machine
    Learning Repository (1998), as distributed with scikit-learn.
MNIST
    Y. LeCun, C. Cortes and C. J. C. Burges, "The MNIST database of handwritten digits",
    http://yann.lecun.com/exdb/mnist/, as packed by Keras in ``mnist.npz``.
"""

from snnlib.datasets._dataset import (
    DataCorruptError,
    Dataset,
    DatasetError,
    DataUnavailableError,
)
from snnlib.datasets._digits import fetch_digits, load_digits28
from snnlib.datasets._mnist import (
    DATA_DIR_VARIABLE,
    MNIST_DIGEST,
    MNIST_SHA256,
    MNIST_URL,
    fetch_mnist,
)
from snnlib.datasets._splits import (
    Split,
    train_test_birth_weight,
    train_test_iris_setosa,
    train_test_mnist,
)
from snnlib.datasets._tables import load_birth_weight, load_iris_setosa

__all__ = [
    "DATA_DIR_VARIABLE",
    "MNIST_DIGEST",
    "MNIST_SHA256",
    "MNIST_URL",
    "DataCorruptError",
    "DataUnavailableError",
    "Dataset",
    "DatasetError",
    "Split",
    "fetch_digits",
    "fetch_mnist",
    "load_birth_weight",
    "load_digits28",
    "load_iris_setosa",
    "train_test_birth_weight",
    "train_test_iris_setosa",
    "train_test_mnist",
]
