"""Sliders over a spiking neuron: one description, two faces.

With a kernel the sliders are ipywidgets, and what they show is computed by Nengo and
the estimators. In the built book, where there is no kernel, they are HTML, and
JavaScript computes the same series and read-outs in the reader's browser. Controls,
presets, panels and read-outs are described once, in Python; both faces show what is
described.

Each has a room of its own: ``_description.py`` is what an explorer is made of,
``_page.py`` and the scripts that it names the face of the page, ``_widget.py`` that of
the kernel, ``_picture.py`` the panels in print. A kind of explorer is a file that
describes and computes, and a script of the same name that computes in the page. The
kernel's face is no anywidget, which would be drawn by the page's scripts: anywidget
wants a part of its own in the server that shows the notebook, and matplotlib has to
draw for print all the same.

A trained conv net runs in the page too: ``conv.js`` simulates it spike by spike with
the neurons of ``lif.js``, ``worker.js`` does so beside the page, and ``_network.py``
writes its weights as a script, a byte for each. ``pad.js`` lets the reader draw a
digit, and ``digit.js`` shows what the network makes of it.

The explorer of the results computes nothing: ``_results.py`` looks up and judges every
setting beforehand, and ``_results.js`` shows the one that is asked for.
"""

from snnlib.explorers._classification import classification_explorer
from snnlib.explorers._count import count_explorer
from snnlib.explorers._description import (
    Control,
    Guess,
    Note,
    Panel,
    Preset,
    Readout,
    Series,
    View,
)
from snnlib.explorers._digit import digit_explorer
from snnlib.explorers._energy import energy_explorer
from snnlib.explorers._explorer import FACE_VARIABLE, FACES, Explorer
from snnlib.explorers._image import image_explorer
from snnlib.explorers._lif import lif_explorer
from snnlib.explorers._regression import regression_explorer
from snnlib.explorers._results import results_explorer

__all__ = [
    "FACES",
    "FACE_VARIABLE",
    "Control",
    "Explorer",
    "Guess",
    "Note",
    "Panel",
    "Preset",
    "Readout",
    "Series",
    "View",
    "classification_explorer",
    "count_explorer",
    "digit_explorer",
    "energy_explorer",
    "image_explorer",
    "lif_explorer",
    "regression_explorer",
    "results_explorer",
]
