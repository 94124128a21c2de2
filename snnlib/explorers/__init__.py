"""Sliders over a spiking neuron: one description, two faces.

With a kernel the sliders are ipywidgets, and what they show is computed by Nengo and
the estimators. In the built book, where there is no kernel, they are HTML, and
``lif.js`` computes the same series and read-outs in the reader's browser. Controls,
panels and read-outs are described once, in Python; both faces draw what is described.

A trained conv net runs in the page too: ``conv.js`` simulates it spike by spike with
the neurons of ``lif.js``, ``worker.js`` does so beside the page, and ``_network.py``
writes its weights as a script, a byte for each. ``pad.js`` lets the reader draw a
digit, and ``digit.js`` shows what the network makes of it.
"""

from snnlib.explorers._classification import classification_explorer
from snnlib.explorers._description import Control, Panel, Readout, Series, View
from snnlib.explorers._digit import digit_explorer
from snnlib.explorers._explorer import FACE_VARIABLE, FACES, Explorer
from snnlib.explorers._image import image_explorer
from snnlib.explorers._lif import lif_explorer
from snnlib.explorers._regression import regression_explorer

__all__ = [
    "FACES",
    "FACE_VARIABLE",
    "Control",
    "Explorer",
    "Panel",
    "Readout",
    "Series",
    "View",
    "classification_explorer",
    "digit_explorer",
    "image_explorer",
    "lif_explorer",
    "regression_explorer",
]
