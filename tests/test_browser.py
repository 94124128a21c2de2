"""Every page of the built book, in a browser: complete, quiet, readable by everyone."""

from functools import lru_cache
from pathlib import Path
from urllib.parse import unquote, urldefrag, urljoin, urlsplit

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from bs4 import BeautifulSoup
from test_book import PAGES

pytestmark = pytest.mark.browser
NAMES = [f"{page}.html" for page in [*PAGES, "genindex", "search"]]
# What a page says, without the theme's bars beside it.
CONTENT = ".bd-article-container"
DESKTOP = {"width": 1280, "height": 900}
PHONE = {"width": 390, "height": 844}


@pytest.fixture(scope="module", params=NAMES)
def opened(request, open_page, book_server):
    """Open a page, and in it what is folded away; return it and its problems."""
    page, problems = open_page(book_server, request.param, viewport=DESKTOP)
    page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
    yield page, problems
    page.close()


@pytest.fixture(scope="module")
def page(opened):
    """Return a page, opened."""
    return opened[0]


def test_pages_are_all_here(book):
    """The book holds the pages of the contents, index and search, and no others."""
    built = {
        path.relative_to(book).as_posix()
        for path in book.rglob("*.html")
        if path.relative_to(book).parts[0] not in {"_sources", "_static"}
    }
    assert built == {*NAMES, "index.html"}


def test_book_opens_at_its_first_page(browser, book_server):
    """The address of the book leads to the introduction."""
    page = browser.new_page()
    page.goto(f"{book_server}/index.html")
    page.wait_for_url(f"{book_server}/{NAMES[0]}")
    page.close()


@lru_cache
def anchors(path):
    """Return the anchors of a built page."""
    soup = BeautifulSoup(path.read_text(), "html.parser")
    return {tag.get("id") or tag.get("name") for tag in soup.select("[id], a[name]")}


def test_page_links_lead_somewhere(page, book, book_server):
    """Each link within the book leads to a file, and to an anchor that is there."""
    links = page.eval_on_selector_all(
        "a[href]", "all => all.map(a => a.getAttribute('href'))"
    )
    within = [
        urldefrag(url)
        for url in (urljoin(page.url, link) for link in links)
        if url.startswith(book_server)
    ]
    assert within
    for url, anchor in within:
        path = book / unquote(urlsplit(url).path).lstrip("/")
        assert path.is_file(), url
        if anchor:
            assert unquote(anchor) in anchors(path), f"{url}#{anchor}"


def test_page_images_have_alt_text(page):
    """Each image says in several words what it shows, not where it is stored."""
    for alt in page.eval_on_selector_all(
        "article img", "all => all.map(image => image.alt)"
    ):
        assert len(alt.split()) >= 4, alt
        assert not Path(alt).suffix[1:].isalnum(), alt


def test_page_draws_tables(page):
    """No table is left as the bars and dashes it was written with."""
    paragraphs = page.eval_on_selector_all(
        "article p", "all => all.map(p => p.innerText)"
    )
    assert not [text for text in paragraphs if text.lstrip().startswith("| ")]


def test_page_shows_no_warning(page):
    """What a lesson's cells wrote as they ran for the book holds no warning."""
    if "notebooks/" in page.url:
        assert page.locator("article .output.stream").count()
    assert page.locator("article .output.stderr").all_inner_texts() == []


def test_page_renders_mathematics(page):
    """Each formula is drawn, none with an error; without one, MathJax stays away."""
    formulas = page.locator(".math").count()
    assert page.locator(".math mjx-container").count() == formulas
    assert page.locator("mjx-merror").count() == 0
    assert page.evaluate("'MathJax' in window") == bool(formulas)
    assert fonts(page) == ({"loaded"} if formulas else set())
    prose = page.evaluate(
        """selector => {
            const content = document.querySelector(selector).cloneNode(true);
            const aside = "code, pre, script, style, noscript, .math, .snnlib-explorer";
            content.querySelectorAll(aside).forEach((e) => e.remove());
            return content.textContent;
        }""",
        CONTENT,
    )
    assert "\\" not in prose


def fonts(page):
    """Return the states of the fonts of mathematics that the page has asked for."""
    states = page.evaluate(
        """async () => {
            await document.fonts.ready;
            const fonts = [...document.fonts].filter((f) => f.family.startsWith("MJX"));
            return fonts.map((font) => font.status);
        }"""
    )
    return {*states} - {"unloaded"}


def test_page_fits_a_phone(page):
    """On a screen 390 pixels wide, nothing is pushed out of it sideways."""
    page.set_viewport_size(PHONE)
    width = page.evaluate("document.documentElement.scrollWidth")
    page.set_viewport_size(DESKTOP)
    assert width <= PHONE["width"]


# axe-core takes its time over each of the thousands of coloured words of a lesson's
# code and of a reference's signatures. The first of each kind and background stays to
# be judged. All are looked at before any is changed, or each would be laid out anew.
UNCOLOUR = """() => {
    const seen = new Set();
    const words = [...document.querySelectorAll("pre span, dt.sig span")];
    const again = words.filter((word) => {
        const behind = getComputedStyle(word.closest("pre, dt")).backgroundColor;
        const kind = `${word.className} ${behind}`;
        return seen.has(kind) || !seen.add(kind);
    });
    again.forEach((word) => word.replaceWith(...word.childNodes));
    document.querySelectorAll("pre, dt.sig").forEach((block) => block.normalize());
}"""


# All that axe-core judges by the colours it sees; the rest is the same in the dark.
OF_COLOURS = ["color-contrast", "link-in-text-block"]


@pytest.fixture(scope="module")
def judge(page):
    """Return a function that lets axe-core judge the content of the page by rules."""
    page.evaluate(UNCOLOUR)
    page.evaluate(AXE_SCRIPT)
    # With preload it would fetch style sheets once more, some from wrong addresses.
    options = {"preload": False, "selectors": False, "resultTypes": ["violations"]}
    return lambda rules: page.evaluate(
        "([where, options]) => axe.run(where, options)", [CONTENT, options | rules]
    )


@pytest.mark.parametrize(
    ("scheme", "rules"),
    [("light", {}), ("dark", {"runOnly": OF_COLOURS})],
    ids=["light", "dark"],
)
def test_page_is_accessible(page, judge, scheme, rules):
    """axe-core finds nothing serious or critical in the text, in either colour scheme.

    Contrast, names of controls, headings, tables and the reach of the keyboard are
    among what it looks at.
    """
    page.emulate_media(color_scheme=scheme)
    page.wait_for_function(
        "s => document.documentElement.dataset.theme === s", arg=scheme
    )
    found = judge(rules)
    assert [
        (violation["id"], node["html"], node["failureSummary"])
        for violation in found["violations"]
        if violation["impact"] in {"serious", "critical"}
        for node in violation["nodes"]
    ] == []
    # An axe that looked at nothing would find nothing.
    assert "color-contrast" in {rule["id"] for rule in found["passes"]}


def test_page_needs_no_kernel(page):
    """No widget waits in the page for a kernel that is not there."""
    assert page.locator("script[type*='jupyter.widget']").count() == 0


def test_page_is_quiet(opened):
    """No message on the console, no failed request, none to another machine."""
    _, problems = opened
    assert problems == []


@pytest.mark.parametrize("name", NAMES)
def test_page_opens_from_a_file(name, open_page, book):
    """Without a server and without a network, nothing is missing, formulas included."""
    page, problems = open_page(book.as_uri(), name, offline=True)
    formulas = page.locator(".math").count()
    assert page.locator(".math mjx-container").count() == formulas
    assert fonts(page) == ({"loaded"} if formulas else set())
    page.close()
    assert problems == []
