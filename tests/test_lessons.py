"""The lessons have one shape: short, with guesses, a quiz, folded solutions, glossary.

What stands in their pages is looked at in test_browser.py.
"""

import json
import re
import runpy
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
LESSONS = sorted(
    path
    for names in ("0[1-5]*.ipynb", "0[89]*.ipynb", "1*.ipynb")
    for path in (ROOT / "notebooks").glob(names)
)
each_lesson = pytest.mark.parametrize(
    "lesson", [pytest.param(path, id=path.stem) for path in LESSONS]
)
QUESTION = re.compile(
    r"^\*\*(?:\d\.|Guess first\.)\*\* (?P<text>[^\n]+)\n\n"
    r"(?P<options>(?:<details.*?^</details>\n?)+)",
    re.M | re.S,
)
OPTION = re.compile(
    r'<details class="option(?P<right> right)?">\n'
    r"<summary>(?P<answer>.+?)</summary>\n\n(?P<why>.+?)\n\n</details>",
    re.S,
)


def cells(lesson, kind=None):
    """Return the cells of a lesson that its page shows, of one kind or all."""
    found = json.loads(lesson.read_text())["cells"]
    return [
        cell | {"source": "".join(cell["source"])}
        for cell in found
        if kind in (None, cell["cell_type"])
        and "remove-cell" not in cell["metadata"].get("tags", ())
    ]


def prose(lesson):
    """Return the text of a lesson."""
    return "\n\n".join(cell["source"] for cell in cells(lesson, "markdown"))


@each_lesson
def test_lesson_opens_with_what_it_takes(lesson):
    """What one will learn, how many minutes that takes, and what one needs for it."""
    first = cells(lesson)[0]["source"]
    box = re.search(r'<div class="opening">\n\n(.*?)\n\n</div>', first, re.S)[1]
    minutes = int(
        re.match(r"\*\*What you will learn\*\* \(about (\d+) minutes", box)[1]
    )
    assert minutes <= 30
    assert box.count("\n- ") >= 3
    assert "\n**What you need**: " in box


def test_map_has_what_the_lessons_say():
    """No lesson needs a later one, and the front page says what each one answers."""
    lesson_map = ROOT / "book" / "_ext" / "lesson_map.py"
    read_box = runpy.run_path(lesson_map)["read_box"]
    notebooks = sorted((ROOT / "notebooks").glob("*.ipynb"))
    numbers = [path.stem.split("_")[0] for path in notebooks]
    for path, number in zip(notebooks, numbers, strict=True):
        title, minutes, needed = read_box(path)
        assert title
        assert 10 <= int(minutes) <= 30
        assert all(its in numbers and its < number for its in needed), path.stem
    asked = re.search(
        r"```\{lesson-map\}\n(.*?)```", (ROOT / "book" / "intro.md").read_text(), re.S
    )[1]
    lines = [line.split(": ") for line in asked.splitlines()]
    assert [name for name, _ in lines] == [path.stem for path in notebooks]
    assert all(question.endswith("?") for _, question in lines)


@each_lesson
def test_lesson_is_short(lesson):
    """It has at most 30 code cells, those that the page leaves out included."""
    found = json.loads(lesson.read_text())["cells"]
    assert sum(cell["cell_type"] == "code" for cell in found) <= 30


@each_lesson
def test_lesson_puts_text_under_each_heading(lesson):
    """A heading is never followed by another, nor by nothing."""
    blocks = []
    for cell in cells(lesson):
        if cell["cell_type"] == "code":
            blocks.append("code")
        else:
            text = re.sub(r"```.*?```", "code", cell["source"], flags=re.S)
            blocks += [line for line in text.splitlines() if line.strip()]
    headings = [bool(re.match(r"#+ ", block)) for block in blocks]
    assert not headings[-1]
    for block, here, after in zip(blocks, headings, headings[1:], strict=False):
        assert not (here and after), block


def questions(text):
    """Return the questions of a text, and for each its options."""
    return [
        (found["text"], list(OPTION.finditer(found["options"])))
        for found in QUESTION.finditer(text)
    ]


@each_lesson
def test_lesson_asks_and_explains_every_answer(lesson):
    """There is a guess before a result, and a quiz of three questions at the end.

    One answer is right, each is explained, and the words say which it is.
    """
    before, quiz = prose(lesson).split("\n## Quiz\n")
    guesses = [found for found in QUESTION.finditer(before) if "Guess" in found[0]]
    assert guesses
    quiz = quiz.split("\n## ")[0]
    assert [q[0] for q in re.findall(r"^\*\*((\d)\.)\*\*", quiz, re.M)] == [
        "1.",
        "2.",
        "3.",
    ]
    asked = questions(before) + questions(quiz)
    assert len(asked) == len(guesses) + 3
    for text, options in asked:
        assert len(options) >= 2, text
        assert sum(bool(option["right"]) for option in options) == 1, text
        for option in options:
            word = "**Right.** " if option["right"] else "**No.** "
            assert option["why"].startswith(word), option["answer"]
            assert len(option["why"].split()) >= 6, option["answer"]
            # Inside an HTML block Markdown is not read.
            assert not re.search(r"[`*$]", option["answer"]), option["answer"]
    # All of them were found, and every one that opens is closed.
    everything = prose(lesson)
    n_options = sum(len(options) for _, options in asked)
    assert everything.count("<details") == everything.count("</details>") == n_options


@each_lesson
def test_lesson_folds_its_solutions(lesson):
    """Each exercise is followed by its solution, folded under that word."""
    shown = cells(lesson)
    (start,) = (
        i for i, cell in enumerate(shown) if cell["source"].startswith("## Exercises")
    )
    end = next(
        i
        for i, cell in enumerate(shown)
        if cell["source"].startswith("## Key takeaways")
    )
    exercises, solutions = shown[start:end:2], shown[start + 1 : end : 2]
    assert len(exercises) == len(solutions) >= 2
    for number, (asked, solved) in enumerate(
        zip(exercises, solutions, strict=True), start=1
    ):
        assert re.search(
            rf"^\*\*{number}\.\*\* \((easy|harder)\) ", asked["source"], re.M
        )
        assert solved["cell_type"] == "code"
        assert solved["metadata"]["tags"] == ["hide-cell"]
        assert solved["metadata"]["mystnb"]["code_prompt_show"] == "Solution"


@each_lesson
def test_lesson_ends_with_what_to_take_away_and_to_read(lesson):
    """Key takeaways stand last, and under them what to read next."""
    last = cells(lesson)[-1]["source"]
    assert last.startswith("## Key takeaways\n\n- ")
    assert re.search(r"^\*\*What to read next\*\*: .*\]\(\w+\.ipynb\)", last, re.M)


@each_lesson
def test_lesson_hides_what_only_draws(lesson):
    """The code of a picture is folded; installing and recording are not on the page."""
    for cell in cells(lesson, "code"):
        if "figure" in cell["metadata"].get("mystnb", {}):
            tags = cell["metadata"].get("tags", [])
            assert {"hide-input", "hide-cell"} & {*tags}, cell["source"]
        assert "%pip" not in cell["source"]
        assert "import record\n" not in cell["source"]


def headings(path):
    """Return the anchors of the headings of a page."""
    found = re.findall(r"^#+ (.+)$", path.read_text(), re.M)
    return [re.sub(r"[^\w-]", "", it.lower().replace(" ", "-")) for it in found]


@each_lesson
def test_lesson_links_words_to_the_glossary(lesson):
    """A word is linked where it is first used, and its entry is there."""
    linked = re.findall(r"\]\(\.\./book/glossary\.md#([\w-]+)\)", prose(lesson))
    assert linked
    assert {*linked} <= {*headings(ROOT / "book" / "glossary.md")}
    assert len(linked) == len({*linked})


def test_glossary_is_sorted_and_used():
    """Terms stand in the order of the alphabet, and the lessons use most of them."""
    _, *terms = headings(ROOT / "book" / "glossary.md")
    assert terms == sorted(terms)
    linked = {
        name
        for lesson in LESSONS
        for name in re.findall(r"glossary\.md#([\w-]+)\)", prose(lesson))
    }
    assert len(linked) > len(terms) / 2


@each_lesson
def test_lesson_cites_what_the_references_have(lesson):
    """Each DOI in a lesson is one of the book's references."""
    bibliography = (ROOT / "book" / "references.bib").read_text().lower()
    for doi in re.findall(r"https://doi\.org/([^)\s]+)", prose(lesson)):
        assert f"{{{doi.lower()}}}" in bibliography, doi


# A surname or several, and a year: "Kim and others ([2019", "Fisher's (1925)".
WORK = re.compile(
    r"\b([A-Z][a-z]+)(?:, [A-Z][a-z]+)*(?: and (?:[A-Z][a-z]+|others))?(?:'s)?,?"
    r" \(?\[?((?:18|19|20)\d\d)\b"
)


@each_lesson
def test_lesson_names_what_the_references_have(lesson):
    """Each work that a lesson names by author and year is one of the references."""
    bibliography = (ROOT / "book" / "references.bib").read_text()
    for author, year in WORK.findall(prose(lesson)):
        assert f"{{{author.lower()}{year}," in bibliography, (author, year)


def test_references_are_all_named():
    """No work is among the references that no page, lesson or docstring speaks of."""
    bibliography = (ROOT / "book" / "references.bib").read_text()
    pages = "\n".join(path.read_text() for path in (ROOT / "book").rglob("*.md"))
    lessons = "\n".join(map(prose, LESSONS))
    named = {"".join(work).lower() for work in WORK.findall(lessons)}
    for key, entry in re.findall(r"^@\w+\{(\w+),(.*?)^\}", bibliography, re.M | re.S):
        doi = re.search(r"doi += \{(.+)\}", entry)
        linked = doi and f"https://doi.org/{doi[1]}".lower() in lessons.lower()
        cited = re.search(rf"\{{cite\}}`[^`]*\b{key}\b", pages)
        assert key in named or linked or cited, key
