"""Every page of the built book, in a browser: complete, quiet, readable by everyone."""

import re
from functools import lru_cache
from itertools import takewhile
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urldefrag, urljoin, urlsplit

import addresses
import pytest
from axe_playwright_python.base import AXE_SCRIPT
from bs4 import BeautifulSoup
from test_book import PAGES

ROOT = Path(__file__).resolve().parent.parent
pytestmark = pytest.mark.browser
NAMES = [f"{page}.html" for page in [*PAGES, "genindex", "search"]]
LESSONS = [name for name in NAMES if name.startswith("notebooks/")]
# What a page says, without the theme's bars beside it.
CONTENT = ".bd-article-container"
DESKTOP = {"width": 1280, "height": 900}
PHONE = {"width": 390, "height": 844}


# A page from a file, with no network, has all that it has from a server, or less.
@pytest.fixture(scope="module", params=NAMES)
def opened(request, open_page, book):
    """Open a page, and in it what is folded away; return it and its problems."""
    page, problems = open_page(
        book.as_uri(), request.param, viewport=DESKTOP, offline=True
    )
    page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
    yield page, problems
    page.close()


@pytest.fixture(scope="module")
def page(opened):
    """Return a page, opened."""
    return opened[0]


def test_pages_are_all_here(book):
    """The book holds the pages of the contents, index, search, 404, and no others."""
    built = {
        path.relative_to(book).as_posix()
        for path in book.rglob("*.html")
        if path.relative_to(book).parts[0] not in {"_sources", "_static", "lite"}
    }
    assert built == {*NAMES, "index.html", "404.html"}


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


def test_page_links_lead_somewhere(page, book):
    """Each link within the book leads to a file, and to an anchor that is there."""
    links = page.eval_on_selector_all(
        "a[href]", "all => all.map(a => a.getAttribute('href'))"
    )
    within = [
        urldefrag(url)
        for url in (urljoin(page.url, link) for link in links)
        if urlsplit(url).scheme == "file"
    ]
    assert within
    for url, anchor in within:
        path = Path(unquote(urlsplit(url).path))
        assert path.is_relative_to(book), url
        assert path.is_file(), url
        # Behind the name of an explorer stands one of its states.
        target = unquote(anchor).partition("?")[0]
        if target:
            assert target in anchors(path), f"{url}#{anchor}"


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


def test_columns_of_tables_keep_apart(page):
    """The cells of a table have room at their sides, whatever wrote it."""
    sides = page.eval_on_selector_all(
        "article .cell_output table :is(td, th)",
        """all => all.filter(cell => !cell.closest(".snnlib-explorer")).map(cell => {
            const style = getComputedStyle(cell);
            return parseFloat(style.paddingLeft) + parseFloat(style.paddingRight);
        })""",
    )
    assert min(sides, default=8) >= 8


def test_page_shows_no_warning(page, book):
    """What a lesson's cells wrote as they ran for the book holds no warning."""
    if page.url.startswith(f"{book.as_uri()}/notebooks/"):
        assert page.locator("article .output.stream").count()
    assert page.locator("article .output.stderr").all_inner_texts() == []


def test_page_renders_mathematics(page):
    """Each formula is drawn, none with an error; without one, MathJax stays away."""
    formulas = formulas_drawn(page)
    assert page.locator("mjx-merror").count() == 0
    assert page.evaluate("'MathJax' in window") == bool(formulas)
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


def formulas_drawn(page):
    """Return how many formulas a page has, each drawn in fonts that are there."""
    formulas = page.locator(".math").count()
    assert page.locator(".math mjx-container").count() == formulas
    assert fonts(page) == ({"loaded"} if formulas else set())
    return formulas


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
# code and of a reference's signatures. What it says of one follows from the computed
# style of its letters and from what is painted behind them, so it is enough to have one
# of each such kind judged. Words nobody sees, and those it may leave undecided (other
# than ASCII, or over a drawing), speak for no others; nothing floating does beyond
# itself. It calls no single character a violation.
NOTE_KINDS = r"""() => {
    const LETTERS = ["color", "fontSize", "fontWeight", "textShadow"];
    const PAINT = [
        "backgroundColor", "backgroundImage", "opacity", "visibility", "filter",
        "mixBlendMode",
    ];
    const pick = (style, names) => names.map((name) => style[name]).join();
    const unpainted = "rgba(0, 0, 0, 0),none,1,visible,none,normal";
    const behind = new Map();
    [...document.querySelectorAll("*")].forEach((element, number) => {
        const style = getComputedStyle(element);
        const paint = pick(style, PAINT);
        const floats = !["static", "relative"].includes(style.position);
        let path = behind.get(element.parentElement) || "";
        path += paint === unpainted ? "" : `/${paint}`;
        path += floats ? `/${number}` : "";
        behind.set(element, path);
        const nodes = [...element.childNodes].filter((node) => node.nodeType === 3);
        const text = nodes.map((node) => node.data).join("").trim();
        const plain = /[!-~]\s*[!-~]/.test(text) && !element.closest("label, svg");
        const shared = plain && element.getClientRects().length;
        const kind = shared ? `${pick(style, LETTERS)} ${path}` : number;
        element.kinds = `${element.kinds || ""} ${kind}`;
        element.toggleAttribute("data-word", text.length > 1);
    });
}"""
# Words of code that speak for no kind become part of the text around them.
KEEP_ONE_OF_EACH_KIND = """() => {
    const seen = new Set();
    const words = [...document.querySelectorAll("[data-word]")];
    const again = words.filter((e) => seen.has(e.kinds) || !seen.add(e.kinds));
    again.forEach((word) => word.removeAttribute("data-word"));
    const code = [...document.querySelectorAll("pre span, dt.sig span")];
    const free = code.filter((word) => !word.hasAttribute("data-word"));
    free.forEach((word) => word.replaceWith(...word.childNodes));
    document.querySelectorAll("pre, dt.sig").forEach((block) => block.normalize());
    const rule = {id: "color-contrast", selector: "[data-word], input, select"};
    axe.configure({rules: [rule]});
}"""


# All that axe-core judges by the colours it sees; the rest is the same in the dark.
OF_COLOURS = ["color-contrast", "link-in-text-block"]


def light_up(page, scheme):
    """Show a page in a colour scheme."""
    page.emulate_media(color_scheme=scheme)
    page.wait_for_function(
        "s => document.documentElement.dataset.theme === s", arg=scheme
    )


def ready_to_judge(page):
    """Return a function that lets axe-core judge the content of a page by rules."""
    # Two words may look the same in the light and differ in the dark.
    for scheme in ("dark", "light"):
        light_up(page, scheme)
        page.evaluate(NOTE_KINDS)
    page.evaluate(AXE_SCRIPT)
    page.evaluate(KEEP_ONE_OF_EACH_KIND)
    # With preload it would fetch style sheets once more, some from wrong addresses.
    options = {"preload": False, "selectors": False, "resultTypes": ["violations"]}
    return lambda rules: page.evaluate(
        "([where, options]) => axe.run(where, options)", [CONTENT, options | rules]
    )


@pytest.fixture(scope="module")
def judge(page):
    """Return what judges the page."""
    return ready_to_judge(page)


# Each has a word too pale to be read, after one of the same kind but for one thing.
PALE = {
    "colour": "<p>dark</p><p style='color: #bbb'>pale</p>",
    "weight": "<p style='color: #888; font: bold 19px serif'>bold</p>"
    "<p style='color: #888; font: 19px serif'>pale</p>",
    "size": "<p style='color: #888; font-size: 30px'>large</p>"
    "<p style='color: #888; font-size: 15px'>pale</p>",
    "background": "<p>dark</p><div style='background: #444'><p>pale</p></div>",
    "opacity": "<p>dark</p><div style='opacity: 0.3'><p>pale</p></div>",
    "hidden": "<p hidden style='color: #bcc'>dark</p><p style='color: #bcc'>pale</p>",
    "invisible": "<p style='color: #bbc; visibility: hidden'>dark</p>"
    "<p style='color: #bbc'>pale</p>",
    "character": "<p style='color: #bbd'>a</p><p style='color: #bbd'>pale</p>",
    "symbols": "<p style='color: #bbf'>\u2192\u2192</p><p style='color: #bbf'>pale</p>",
    "disabled": "<label style='color: #bbe'>off <input disabled></label>"
    "<p style='color: #bbe'>pale</p>",
    "link": "<pre><span>dark</span><a href='#' style='color: #cbb'>pale</a></pre>",
    "code": "<pre><span>dark</span><span style='color: #cbc'>pale</span></pre>",
    "nested": "<pre><span>dark<span style='color: #cbd'>pale</span></span></pre>",
    "floating": "<p>dark</p><p style='position: absolute; background: #444'>pale</p>",
    "control": "<input aria-label=it value='pale'>",
    "scheme": "<p>dark</p><p class='dark-alone'>pale</p>",
}
PALE_STYLE = """
.planted {position: relative; height: 8em; background: #fff}
.planted * {color: #222}
.planted pre, .planted pre * {background: transparent}
.planted input {color: #ddd; background: #fff}
html[data-theme=dark] .planted .dark-alone {color: #ccc}
"""


def test_judge_misses_no_pale_word(open_page, book_server):
    """One word of each kind is enough: what axe-core tells apart, kinds do too."""
    page, _ = open_page(book_server, NAMES[0], viewport=DESKTOP)
    page.add_style_tag(content=PALE_STYLE)
    planted = "".join(
        f"<div class=planted>{html.replace('pale', f'pale {name}')}</div>"
        for name, html in PALE.items()
    )
    page.eval_on_selector(
        f"{CONTENT} article",
        "(e, html) => e.insertAdjacentHTML('beforeend', html)",
        planted,
    )
    judge = ready_to_judge(page)
    for scheme, missing in (("light", {"scheme"}), ("dark", set())):
        light_up(page, scheme)
        violations = judge({"runOnly": ["color-contrast"]})["violations"]
        found = [node["html"] for rule in violations for node in rule["nodes"]]
        assert {re.search(r"pale (\w+)", it)[1] for it in found} == {*PALE} - missing
    page.close()


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
    light_up(page, scheme)
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
    """No message on the console, no failed request, none beyond the book."""
    _, problems = opened
    assert problems == []


@pytest.mark.parametrize(
    "name", ["book/intro.html", "book/api.html", "notebooks/01_lif_neuron.html"]
)
def test_page_opens_from_a_server(name, open_page, book_server):
    """From a server too, nothing is missing, formulas included."""
    page, problems = open_page(book_server, name)
    formulas_drawn(page)
    page.close()
    assert problems == []


@pytest.fixture(scope="module", params=LESSONS)
def lesson(request, open_page, book):
    """Open a lesson as a reader finds it, with everything folded."""
    page, _ = open_page(book.as_uri(), request.param, viewport=DESKTOP, offline=True)
    yield page
    page.close()


def test_lesson_is_read_in_one_sitting(lesson):
    """On a desktop, a lesson goes on for 9,000 pixels at most."""
    assert lesson.evaluate("document.documentElement.scrollHeight") <= 9_000


def test_lesson_fits_its_column(lesson):
    """Neither code, nor what it printed, nor a formula or table scrolls sideways."""
    wide = lesson.evaluate(
        """() => [...document.querySelectorAll(
            "article pre, article div.math, article .cell_output .text_html")]
            .filter((e) => e.clientWidth && e.scrollWidth > e.clientWidth + 1)
            .map((e) => e.textContent.slice(0, 60))"""
    )
    assert wide == []


def test_quiz_counts_what_the_keyboard_chose(lesson):
    """Each answer can be reached and opened by key; the first of a question counts."""
    questions = lesson.evaluate(
        """() => {
            const options = [...document.querySelectorAll(
                "section[id^=quiz] details.option")];
            const sizes = [];
            for (const option of options) {
                const before = option.previousElementSibling;
                if (before?.matches("details.option")) sizes[sizes.length - 1] += 1;
                else sizes.push(1);
            }
            return sizes;
        }"""
    )
    assert len(questions) == 3
    options = lesson.locator("section[id^=quiz] details.option")
    score = lesson.locator("section[id^=quiz] [role=status]")
    number = rights = 0
    for asked, size in enumerate(questions, start=1):
        for place in range(size):
            option = options.nth(number + place)
            option.locator("summary").focus()
            lesson.keyboard.press("Enter")
            explained = option.locator("p")
            explained.wait_for()
            is_right = "right" in option.get_attribute("class").split()
            assert explained.inner_text().startswith("Right." if is_right else "No.")
            rights += is_right and place == 0
        number += size
        told = f"Answered: {asked} of 3. Right at the first try: {rights}."
        lesson.wait_for_function(
            "told => document.querySelector('section[id^=quiz] [role=status]')"
            ".textContent === told",
            arg=told,
        )
    assert score.count() == 1


@pytest.mark.parametrize("name", LESSONS)
def test_quiz_needs_no_script(name, open_page, book):
    """Without JavaScript an answer unfolds what is to be said of it."""
    page = open_page(book.as_uri(), name, viewport=PHONE, java_script_enabled=False)[0]
    option = page.locator("details.option").last
    assert not option.locator("p").is_visible()
    option.locator("summary").click()
    assert option.locator("p").is_visible()
    page.close()


@pytest.mark.parametrize("name", LESSONS)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_figures_are_drawings_in_the_colours_of_the_page(scheme, name, open_page, book):
    """Each figure is an SVG with the page's paper and ink, its caption below it."""
    page, _ = open_page(book.as_uri(), name, color_scheme=scheme, viewport=DESKTOP)
    page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
    shown = page.locator("article .cell_output img:visible")
    addresses_ = shown.evaluate_all("all => all.map(image => image.src)")
    paper = page.evaluate("getComputedStyle(document.body).backgroundColor")
    captions = page.locator("article .cell_output figcaption")
    assert all(caption.is_visible() for caption in captions.all())
    page.close()
    assert addresses_
    paper = "#" + "".join(f"{int(part):02x}" for part in re.findall(r"\d+", paper))
    for url in addresses_:
        drawing = Path(unquote(urlsplit(url).path)).read_text()
        first = re.search(r"fill: (#\w{6})", drawing)[1]
        assert first == paper, url
        assert ('fill="#ced6dd"' in drawing) == (scheme == "dark")


def test_search_finds_from_a_server(open_page, book_server):
    """The page of results lists those of a word that a reader looks up."""
    page, problems = open_page(book_server, "search.html?q=max_rate")
    page.locator("#search-results li a").first.wait_for()
    page.close()
    assert problems == []


@pytest.mark.parametrize("word", ["refractory", "accuracy", "voltage"])
def test_search_shows_where_a_word_stands(word, open_page, book_server):
    """Each page found is shown with a piece of it in which the word is."""
    page, problems = open_page(book_server, f"search.html?q={word}")
    page.locator("#search-results p.search-summary").first.wait_for()
    excerpts = page.locator("#search-results li p.context")
    excerpts.first.wait_for()
    # The API is found too; there, what kind a thing is stands in place of a piece.
    page.wait_for_function(
        "document.querySelectorAll('#search-results li:not(:has(> span))').length"
        " == document.querySelectorAll('#search-results li p.context').length"
    )
    texts = excerpts.all_inner_texts()
    page.close()
    assert len(texts) > 2
    assert [text for text in texts if word not in text.lower()] == []
    assert problems == []


def read(book, name):
    """Return a built page, parsed."""
    return BeautifulSoup((book / name).read_text(), "html.parser")


@pytest.mark.parametrize("name", LESSONS)
def test_lesson_opens_where_this_book_comes_from(name, book):
    """Each button leads to this repository, and to an environment that can run it."""
    soup = read(book, name)
    address = addresses.repository()
    slug = urlsplit(address).path.strip("/")
    links = [a["href"] for a in soup.select(".article-header-buttons a[href]")]
    outside = [link for link in links if urlsplit(link).scheme]
    source = name.replace(".html", ".ipynb")
    branch = "binder-full" if "snnlib[dl]" in (ROOT / source).read_text() else "main"
    binder = f"https://mybinder.org/v2/gh/{slug}/{branch}?urlpath=tree/{source}"
    colab = f"https://colab.research.google.com/github/{slug}/blob/main/{source}"
    edit = f"{address}/edit/main/{source}"
    assert {binder, colab, edit, address} <= set(outside)
    book_address = addresses.book_of(address)
    assert all(slug in link or link.startswith(book_address) for link in outside), links


@pytest.mark.parametrize("name", [f"{page}.html" for page in PAGES])
def test_page_tells_others_what_it_is(name, book):
    """Search engines and chats find title, description, address and a picture."""
    soup = read(book, name)
    title = soup.title.get_text()
    assert title == "Tuning Spikes" or title.count("Tuning Spikes") == 1
    address = addresses.book_of(addresses.repository())
    (canonical,) = soup.select("link[rel=canonical]")
    assert canonical["href"] == f"{address}{name}"
    (description,) = soup.select("meta[name=description]")
    assert len(description["content"]) > 40
    found = {meta["property"]: meta["content"] for meta in soup.select("[property]")}
    assert found["og:title"]
    assert found["og:url"] == f"{address}{name}"
    assert found["og:image"].startswith(f"{address}_static/")
    assert (book / found["og:image"].removeprefix(address)).is_file()


def test_sitemap_has_every_page(book):
    """A search engine is told of each page of the contents, and of no other."""
    address = addresses.book_of(addresses.repository())
    listed = re.findall(r"<loc>(.*?)</loc>", (book / "sitemap.xml").read_text())
    assert sorted(listed) == sorted(f"{address}{page}.html" for page in PAGES)


def test_missing_page_has_the_whole_book_around_it(book):
    """From any depth, its style and its links are those of the published book."""
    soup = read(book, "404.html")
    prefix = urlsplit(addresses.book_of(addresses.repository())).path
    addressed = [*soup.select("[href]"), *soup.select("[src]")]
    for tag in addressed:
        link = tag.get("href") or tag["src"]
        if not urlsplit(link).scheme and not link.startswith("#"):
            assert link.startswith(prefix), link
            path = book / unquote(urlsplit(link).path.removeprefix(prefix))
            assert path.is_file(), link
    assert len(addressed) > 50


WITH_EXPLORERS = [name for name in LESSONS if re.search(r"/(0[1245]_|03b_)", name)]


def files_of(scripts, path):
    """Return the files that an explorer's scripts load before a reader does more.

    What is folded away comes later, and so do the networks of presets.
    """
    networks = [it["data-address"] for it in scripts if it.get("data-address")]
    fillings = [
        address
        for script in scripts
        if not script.find_parent("details")
        for address in re.findall(r'script\.src = "(.+)";', script.text)
    ]
    return [path.parent / address for address in networks[:1] + fillings]


@pytest.mark.parametrize("name", ["book/intro.html", *LESSONS])
def test_explorer_adds_little_to_a_page(name, book):
    """All that a page's explorers bring before one unfolds more is 300 kB at most."""
    total = 0
    for explorer in read(book, name).select("section.snnlib-explorer"):
        after = explorer.find_next_siblings()
        scripts = [*takewhile(lambda part: part.name == "script", after)]
        parts = [explorer.find_previous_sibling("style"), explorer, *scripts]
        assert len(parts) > 2
        total += sum(len(str(part)) for part in parts)
        total += sum(path.stat().st_size for path in files_of(scripts, book / name))
    assert total <= 300_000


@pytest.mark.parametrize("name", ["book/intro.html", WITH_EXPLORERS[0]])
def test_explorer_keeps_its_place_until_it_is_filled(name, open_page, book):
    """What stands below moves little, if at all, when the scripts come."""
    page, _ = open_page(book.as_uri(), name, viewport=DESKTOP, offline=True)
    stage = page.locator(".snnlib-stage").first
    filled = stage.bounding_box()["height"]
    stage.evaluate("stage => stage.replaceChildren()")
    assert stage.bounding_box()["height"] == pytest.approx(filled, abs=160)
    page.close()


def test_folded_explorer_comes_when_it_is_unfolded(open_page, book):
    """Its numbers are asked for then, and not before."""
    page, problems = open_page(book.as_uri(), "book/intro.html", viewport=DESKTOP)
    fold = page.locator("details.fold", has=page.locator(".snnlib-explorer"))
    asked = []
    # What a page makes for itself, as the code of a worker, is asked of nobody.
    page.on("request", lambda it: it.url.startswith("blob:") or asked.append(it.url))
    assert fold.locator(".snnlib-control").count() == 0
    fold.locator("summary").first.click()
    fold.locator(".snnlib-control").first.wait_for()
    assert [url for url in asked if "/_static/explorers/" in url] == asked
    assert len(asked) == 1
    assert problems == []
    page.close()


@pytest.mark.parametrize("name", WITH_EXPLORERS)
def test_explorer_spoils_no_answer(name, open_page, book):
    """The reader meets question and picture at once, on one screen; not the answer."""
    page, _ = open_page(book.as_uri(), name, viewport=DESKTOP, offline=True)
    explorer = page.locator(".snnlib-explorer").first
    assert explorer.locator(".snnlib-question").is_visible()
    answer = explorer.locator(".snnlib-answer p")
    assert not answer.is_visible()
    calls = page.locator("pre", has_text=re.compile(r"_explorer\("))
    assert calls.count()
    assert not any(call.is_visible() for call in calls.all())
    bar = page.locator(".bd-header-article").bounding_box()
    height = explorer.bounding_box()["height"]
    assert height <= DESKTOP["height"] - bar["height"]
    page.close()


@pytest.mark.parametrize("name", WITH_EXPLORERS)
def test_explorer_keeps_its_sliders_on_a_phone(name, open_page, book):
    """Below the page's own bar, the sliders stay while panels and numbers go by."""
    page, _ = open_page(
        book.as_uri(), name, viewport=PHONE, offline=True, is_mobile=True
    )
    explorer = page.locator(".snnlib-explorer").first
    slider = explorer.locator(".snnlib-control").first
    for effect in explorer.locator(".snnlib-panel, .snnlib-readouts").all():
        effect.evaluate("e => e.scrollIntoView({block: 'end'})")
        inside, box = effect.bounding_box(), slider.bounding_box()
        bar = page.locator(".bd-header-article").bounding_box()
        assert bar["y"] + bar["height"] <= box["y"]
        assert box["y"] + box["height"] <= inside["y"]
        assert inside["y"] + inside["height"] <= PHONE["height"] + 1
    page.close()


@pytest.mark.parametrize("name", WITH_EXPLORERS)
def test_explorer_opens_at_a_state(name, open_page, book):
    """A link to a state, from another page or another reader, leads into view of it."""
    identity = re.search(r'id="(snnlib-explorer-[\w-]+)"', (book / name).read_text())[1]
    address = f"{name}#{identity}?tau_rc=0.15"
    page, problems = open_page(book.as_uri(), address, viewport=DESKTOP, offline=True)
    explorer = page.locator(f"#{identity}")
    explorer.locator("[aria-valuetext='0.15 s']").wait_for()
    assert 0 <= explorer.bounding_box()["y"] <= DESKTOP["height"] / 2
    assert problems == []
    page.close()


# Of a lesson's text, not of an explorer's own.
STATES = "article a[href^='#snnlib-explorer-']:not(.snnlib-explorer a)"
WITH_STATES = [
    name
    for name in LESSONS
    if 'href=\\"#snnlib-explorer-'
    in (ROOT / name).with_suffix(".ipynb").read_text(encoding="utf-8")
]


@pytest.mark.parametrize("name", WITH_STATES)
def test_text_leads_to_states(name, open_page, book):
    """Each link of the text to a state sets the sliders that it names."""
    page, problems = open_page(book.as_uri(), name, viewport=DESKTOP, offline=True)
    for link in page.locator(STATES).all():
        identity, _, state = link.get_attribute("href")[1:].partition("?")
        link.click()
        values = page.evaluate(
            "id => document.getElementById(id).snnlib.values()", identity
        )
        wanted = dict(parse_qsl(state))
        assert wanted
        assert {n: str(values[n]) for n in wanted} == wanted
        assert page.locator(f"#{identity}").bounding_box()["y"] < DESKTOP["height"]
    assert problems == []
    page.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_header_shows_where_the_keyboard_is(scheme, open_page, book):
    """Each button above an article has a ring while it has the focus."""
    page, _ = open_page(
        book.as_uri(), NAMES[1], viewport=DESKTOP, offline=True, color_scheme=scheme
    )
    buttons = page.locator(".bd-header-article button:visible")
    assert buttons.count() > 3
    for index in range(buttons.count()):
        button = buttons.nth(index)
        button.focus()
        # As by the key itself, which is what the ring is for.
        page.keyboard.press("Shift+Tab")
        page.keyboard.press("Tab")
        style, width, color = button.evaluate(
            "b => { const s = getComputedStyle(b);"
            " return [s.outlineStyle, s.outlineWidth, s.outlineColor]; }"
        )
        assert (style, width) == ("solid", "3px"), button.get_attribute("title")
        assert "rgba" not in color, color
    page.close()
