"""The face of an explorer where there is a kernel: ipywidgets, moved by Python."""

from html import escape

from snnlib.explorers._page import alt_text, without_links
from snnlib.explorers._picture import draw, png


def widget(explorer):
    """Return an explorer as ipywidgets.

    Parameters
    ----------
    explorer : Explorer
        What to show.

    Returns
    -------
    widget : ipywidgets.VBox
    """
    import ipywidgets

    sliders = {c.name: _slider(c) for c in explorer.controls}
    stage = ipywidgets.HTML()
    start = (explorer.start, explorer.compute())
    state = {"ghost": start, "shown": start}

    def redraw(_change=None):
        values = {name: slider.value for name, slider in sliders.items()}
        refusal = ""
        try:
            state["shown"] = (values, explorer.compute(**values))
        except ValueError as error:
            refusal = str(error)
        stage.value = _stage(explorer, **state, refusal=refusal)

    def move(changes):
        # All at once: each of them alone would draw the panels anew.
        for control in explorer.controls:
            slider = sliders[control.name]
            slider.unobserve(redraw, names="value")
            slider.value = changes.get(control.name, control.values[control.start])
            slider.observe(redraw, names="value")
        redraw()

    def pin(_button):
        state["ghost"] = state["shown"]
        redraw()

    for slider in sliders.values():
        slider.observe(redraw, names="value")
    buttons = [
        _button("Reset", lambda _: move({})),
        _button("Pin this state", pin),
        *(
            _button(preset.name, lambda _, values=preset.values: move(values))
            for preset in explorer.presets
            if all(_stops_at(sliders[n], v) for n, v in preset.values.items())
        ),
    ]
    redraw()
    wrapped = ipywidgets.Layout(flex_flow="row wrap")
    shown = [sliders[name] for name in explorer.sliders]
    folded = [s for name, s in sliders.items() if name not in explorer.sliders]
    more = ipywidgets.Accordion([ipywidgets.HBox(folded, layout=wrapped)])
    more.set_title(0, "More sliders")
    return ipywidgets.VBox(
        [
            ipywidgets.HTML(f"<b>Question.</b> {_text(explorer.question)}"),
            ipywidgets.HBox(shown, layout=wrapped),
            *([more] if folded else []),
            ipywidgets.HBox(buttons, layout=wrapped),
            stage,
            ipywidgets.HTML(_answer(explorer)),
        ]
    )


def _slider(control):
    import ipywidgets

    return ipywidgets.SelectionSlider(
        options=list(zip(control.labels, control.values, strict=True)),
        index=control.start,
        description=control.name,
        continuous_update=False,
        style={"description_width": "9em"},
        layout={"width": "26em"},
    )


def _button(text, on_click):
    import ipywidgets

    button = ipywidgets.Button(description=text, layout={"width": "auto"})
    button.on_click(on_click)
    return button


def _stops_at(slider, value):
    """Say whether a slider has a stop at a value; another can only be typed."""
    return value in [stop for _, stop in slider.options]


def _stage(explorer, ghost, shown, refusal):
    """Return picture and read-outs as HTML, dimmed below a refusal."""
    # Each is the values of the sliders and what they lead to.
    (ghost_values, ghost_view), (values, view) = ghost, shown
    numbers = "; ".join(
        f"{escape(f'{readout.group} {readout.label}'.strip())}: "
        f"<b>{escape(readout.show(view))}</b>"
        for readout in explorer.readouts
    )
    titles = {panel.name: panel.title for panel in explorer.panels}
    notes = "".join(
        f"<li>{escape(titles[name])}: {escape(', '.join(filter(None, said)))}</li>"
        for name, note in view.notes.items()
        for _, *said in note.lines
    )
    is_same = values == ghost_values
    figure = draw(explorer.panels, view, None if is_same else ghost_view)
    # The line is there also when it is empty, so that nothing below it moves.
    why = f"<b>Not possible.</b> {escape(refusal)}" if refusal else "&nbsp;"
    dim = ' style="opacity: 0.35"' if refusal else ""
    return (
        f'<p role="status">{why}</p><div{dim}>'
        f'<img alt="{escape(alt_text(explorer))}" style="max-width: 100%" '
        f'src="data:image/png;base64,{png(figure)}">'
        f"<p>{numbers}</p>{f'<ul>{notes}</ul>' if notes else ''}</div>"
    )


def _answer(explorer):
    answer = f"<p>{_text(explorer.answer)}</p>"
    folded = f"<details><summary>Answer</summary>{answer}</details>"
    sentence = f"<p>{escape(explorer.sentence)}</p>"
    return (folded if explorer.answer else "") + sentence


def _text(text):
    return escape(without_links(text))
