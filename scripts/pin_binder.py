"""Write what Binder installs: the exact versions of requirements.txt, as few as needed.

``binder/`` is for the lessons without TensorFlow, ``environments/binder-full/`` for
all. Neither names this repository: so Binder installs once, not anew for each commit.
Jupyter and its widgets come with Binder, in versions that belong together::

    python scripts/pin_binder.py
"""

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FILES = {
    ROOT / "binder" / "requirements.txt": (),
    ROOT / "environments" / "binder-full" / "requirements.txt": ("dl",),
}
# What lessons import beyond the package's own requirements.
EXTRA = ("pandas",)


def read_pins():
    """Return the exact versions of requirements.txt, by name as PyPI writes it."""
    lines = (ROOT / "requirements.txt").read_text().splitlines()
    return dict(line.split("==") for line in lines if "==" in line)


def names(extras):
    """Return the names of what the package needs with these extras, sorted."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    asked = [*project["dependencies"], *EXTRA]
    for extra in extras:
        asked += project["optional-dependencies"][extra]
    return sorted({re.match(r"[\w-]+", requirement)[0] for requirement in asked})


def requirements(extras):
    """Return the content of a file of requirements."""
    pins = {re.sub("[-_]+", "-", k).lower(): v for k, v in read_pins().items()}
    lines = [f"{name}=={pins[name]}" for name in names(extras)]
    return "\n".join(["# Written by: python scripts/pin_binder.py", *lines]) + "\n"


if __name__ == "__main__":
    for path, extras in FILES.items():
        path.write_text(requirements(extras))
