"""Draw the figures of lessons as lines, not as pixels, and once more for the dark."""

import os
import re
import tempfile
from functools import cache
from pathlib import Path
from xml.etree import ElementTree as ET

# Text that stands on a colour of its own keeps its colour; snnlib.plots marks it.
KEPT = "on-colour"
# The theme's paper and ink in the dark.
_PAPER, _INK = (0x12, 0x12, 0x12), (0xCE, 0xD6, 0xDD)
_COLOR = re.compile(r"#([0-9a-f]{2})([0-9a-f]{2})([0-9a-f]{2})\b")
# Grey is ink, paper or something between; its channels differ by no more than this.
_TINT = 16
_IMAGE = re.compile(r'(<img [^>]*?src="([^"]*_images/)([^"/]+)\.svg"[^>]*>)')
# Matplotlib's points, and the pixels a figure had at the style sheet's 110 to an inch.
_PIXELS = 110 / 72


def draw_lines():
    """Have the kernels of the build, which inherit this, draw figures as SVG.

    Returns
    -------
    folder : tempfile.TemporaryDirectory
        Of their settings, which last as long as it does.
    """
    folder = tempfile.TemporaryDirectory(prefix="snnlib-ipython-")
    profile = Path(folder.name, "profile_default")
    profile.mkdir()
    settings = 'get_config().InlineBackend.figure_formats = {"svg"}\n'
    (profile / "ipython_kernel_config.py").write_text(settings)
    os.environ["IPYTHONDIR"] = folder.name
    return folder


def pair_figures(app, pagename, templatename, context, doctree):  # noqa: ARG001
    """Put a drawing for the dark beside each of a page; the style sheet shows one.

    On a phone a touch opens it alone, to be enlarged. It is no stop for the keyboard,
    which has the browser's zoom.
    """
    drawings = _drawings(app)

    def pair(image):
        tag, folder, name = image.groups()
        if name not in drawings:
            return tag
        return "".join(
            f'<a class="{when}" href="{folder}{name}{suffix}.svg" tabindex="-1">'
            f"{tag.replace(f'/{name}.svg', f'/{name}{suffix}.svg')}</a>"
            for suffix, when in (("", "for-light"), ("-dark", "for-dark"))
        )

    context["body"] = _IMAGE.sub(pair, context.get("body", ""))


def write_figures(app, exception):
    """Write both drawings of each figure, as large as the figure was in pixels."""
    if exception or app.builder.format != "html":
        return
    for name, source in _drawings(app).items():
        for suffix, is_dark in (("", False), ("-dark", True)):
            path = Path(app.outdir, "_images", f"{name}{suffix}.svg")
            path.write_text(_redrawn(source.read_text(), is_dark=is_dark))


@cache
def _drawings(app):
    """Return where the book's drawings come from, by the names that they will have."""
    images = app.env.images.items()
    paths = {Path(name).stem: Path(app.srcdir, source) for source, (_, name) in images}
    return {name: path for name, path in paths.items() if path.suffix == ".svg"}


def _redrawn(svg, *, is_dark):
    """Return a drawing in pixels, and for the dark with ink and paper exchanged."""
    root = ET.fromstring(svg)
    for side in ("width", "height"):
        size = root.get(side)
        if size.endswith("pt"):
            root.set(side, f"{float(size.removesuffix('pt')) * _PIXELS:.1f}")
    if is_dark:
        _darken(root)
        # Where no colour is named, it is black.
        root.set("fill", _hexadecimal(_INK))
    return ET.tostring(root, encoding="unicode")


def _darken(element):
    if element.get("id") == KEPT:
        element.set("fill", "#000000")
        return
    for name in ("style", "fill", "stroke"):
        if name in element.attrib:
            element.set(name, _COLOR.sub(_exchanged, element.get(name)))
    for child in element:
        _darken(child)


def _exchanged(color):
    """Return a grey as far from the dark paper as it was from white; others stay."""
    channels = [int(part, 16) for part in color.groups()]
    if max(channels) - min(channels) > _TINT:
        return color[0]
    white = sum(channels) / (3 * 255)
    between = zip(_INK, _PAPER, strict=True)
    return _hexadecimal([ink + white * (paper - ink) for ink, paper in between])


def _hexadecimal(channels):
    return "#" + "".join(f"{round(channel):02x}" for channel in channels)


def setup(app):
    """Register with Sphinx.

    Returns
    -------
    metadata : dict
        What Sphinx wants to know of an extension.
    """
    for prefix, name in (("", "2000/svg"), ("xlink", "1999/xlink")):
        ET.register_namespace(prefix, f"http://www.w3.org/{name}")
    app.snnlib_kernel = draw_lines()
    app.connect("html-page-context", pair_figures)
    app.connect("build-finished", write_figures)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
