"""Where the repository and its book are, so that a fork's book has the fork's buttons.

The default is ``[project.urls]`` of pyproject.toml. The variable SNNLIB_REPOSITORY says
otherwise for one build. To make an address the default everywhere::

    python book/_ext/addresses.py https://github.com/you/yours
"""

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from urllib.parse import urlsplit

ROOT = Path(__file__).resolve().parent.parent.parent
VARIABLE = "SNNLIB_REPOSITORY"


def check_address(name, address):
    """Return an address of a repository without what may stand at its end."""
    found = re.fullmatch(r"(https://[\w.-]+/[\w.-]+/[\w.-]+?)(\.git)?/?", address)
    if found is None:
        msg = f"{name} must be as https://github.com/owner/name; got {address!r}."
        raise ValueError(msg)
    return found[1]


def default_repository():
    """Return the address that the committed files name."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    return project["urls"]["Repository"]


def repository():
    """Return the address that this build is for."""
    return check_address(VARIABLE, os.environ.get(VARIABLE) or default_repository())


def book_of(address):
    """Return where GitHub Pages publishes the book of a repository."""
    owner, name = urlsplit(address).path.strip("/").split("/")
    home = f"https://{owner.lower()}.github.io"
    is_owners_page = name.lower() == f"{owner.lower()}.github.io"
    return f"{home}/" if is_owners_page else f"{home}/{name}/"


def moved(text, old, new):
    """Return a text with one repository's addresses in place of another's."""
    # The name ends there: owner/name-2 is another repository.
    end = r"(?![\w-])"
    for before, after in ((old, new), (_raw(old), _raw(new))):
        text = re.sub(re.escape(before) + end, after, text)
    book = book_of(old).removesuffix("/")
    return re.sub(re.escape(book) + end, book_of(new).removesuffix("/"), text)


def moved_here(text):
    """Return a text with this build's addresses in place of the default ones."""
    return moved(text, default_repository(), repository())


def _raw(address):
    """Return where GitHub serves the files of a repository as they are."""
    return f"https://raw.githubusercontent.com{urlsplit(address).path}"


def files():
    """Yield the committed text files, with what is in them."""
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    for name in filter(None, listed.stdout.split("\0")):
        path = ROOT / name
        if path.is_file() and path.suffix not in {".npz", ".png", ".ico"}:
            yield path, path.read_text()


def set_default(address):
    """Write an address into every committed file that names the present one."""
    old = default_repository()
    for path, text in files():
        new = moved(text, old, address)
        if new != text:
            path.write_text(new)
            sys.stdout.write(f"{path.relative_to(ROOT)}\n")


def configure(app, config):  # noqa: ARG001
    """Tell Sphinx and the theme where the book and its sources are."""
    config.html_theme_options["repository_url"] = repository()
    config.html_baseurl = config.ogp_site_url = book_of(repository())
    config.notfound_urls_prefix = urlsplit(config.html_baseurl).path
    if repository() != default_repository() and "GITHUB_ACTIONS" in os.environ:
        # GitHub shows it with the run.
        sys.stdout.write(
            f"::warning::Colab opens the committed notebooks, and they install "
            f"{default_repository()}. Run: make address REPOSITORY={repository()}\n"
        )


def move_page(app, pagename, templatename, context, doctree):  # noqa: ARG001
    """Let a page name this build's repository, where its source names the default."""
    if repository() != default_repository():
        context["body"] = moved_here(context.get("body", ""))


def move_sources(app, error):
    """Let the notebooks that a page offers to download install this build's code."""
    if error is None and repository() != default_repository():
        for path in Path(app.outdir, "_sources").rglob("*.*"):
            path.write_text(moved_here(path.read_text()))


def setup(app):
    """Register with Sphinx.

    Returns
    -------
    metadata : dict
        What Sphinx wants to know of an extension.
    """
    # Before the theme and the extensions read what it sets.
    app.connect("config-inited", configure, priority=100)
    app.connect("html-page-context", move_page)
    app.connect("build-finished", move_sources)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    set_default(check_address("the address", sys.argv[1]))
