// The page's face of an explorer, where there is no kernel.
//
// The Python beside it describes controls, presets, panels and read-outs, and computes
// the same numbers as `snnlib.views`. `mount` builds the page's elements and keeps them
// in step with the controls.

snnlib.mount = (function (make, state) {
  "use strict";

  const press = (text, attributes = {}) =>
    make("button", { type: "button", ...attributes }, text);

  // Few sliders are about the question; the others are folded away.
  function lay_out(controls, shown) {
    const element = (control) => control.element;
    const asked = shown.map((name) => controls.find((c) => c.name === name));
    const grid = make("div", { class: "snnlib-controls" }, ...asked.map(element));
    const bar = make("div", { class: "snnlib-sliders" }, grid);
    const folded = controls.filter((control) => !shown.includes(control.name));
    if (!folded.length) return { bar: bar, unfold: () => {} };
    const names = folded.map((control) => control.name).join(", ");
    const more = make("details", { class: "snnlib-more" },
      make("summary", {}, `More sliders: ${names}`),
      make("div", { class: "snnlib-controls" }, ...folded.map(element))
    );
    bar.append(more);
    // What is not at its start must not be out of sight.
    const unfold = () => {
      if (folded.some((control) => !control.is_at_start())) more.open = true;
    };
    return { bar: bar, unfold: unfold };
  }

  function make_presets(id, presets) {
    const links = presets.map(({ name, values }) =>
      make("a", { href: state.address(id, values) }, name)
    );
    const intro = links.length ? ["Try: "] : [];
    return make("p", { class: "snnlib-tries" }, ...intro, ...links);
  }

  function make_guess(id, { guess, readouts }, controls, start, compute) {
    if (!guess) return null;
    const after = compute({ ...start.values, ...guess.values });
    if (after.refusal) return null;
    const asked = controls.filter((control) => control.name in guess.values);
    return snnlib.make_guess(id, {
      settings: asked.map((c) => `${c.name} to ${c.describe(guess.values[c.name])}`),
      readout: readouts.find(({ name }) => name === guess.readout),
      views: [start.view, after],
      target: state.address(id, guess.values),
    });
  }

  function make_downloads(root, id, panels, view, controls, now) {
    const { save, png, csv } = snnlib.download;
    const picture = press("PNG", { "aria-label": "Download the panels as PNG" });
    const table = press("CSV", { "aria-label": "Download the series as CSV" });
    const svgs = view.places.map((place) => place.svg);
    const legends = view.places.map((place) => place.legend);
    picture.addEventListener("click", () =>
      png(root, svgs, legends, (blob) => save(blob, `${id}.png`))
    );
    table.addEventListener("click", () =>
      save(csv(panels, now.shown.view, controls), `${id}.csv`)
    );
    return [picture, table];
  }

  return function mount(id, description) {
    const root = document.getElementById(id);
    const view_at = snnlib.views[description.kind];
    const compute = (values) => view_at(values, description.data);
    let announcing;

    const controls = description.controls.map((control) =>
      snnlib.make_control(control, `${id}-${control.name}`, change)
    );
    const { bar, unfold } = lay_out(controls, description.sliders);
    const current_values = () =>
      Object.fromEntries(controls.map((control) => [control.name, control.value()]));

    const values = current_values();
    const start = { values: values, view: compute(values), name: "start" };
    const now = { shown: start, ghost: start, is_held: true, refusal: null };

    const spoken = make("p", { class: "snnlib-spoken", role: "status" });
    const say = (text) => { spoken.textContent = text; };
    const view = snnlib.make_view(id, description, () => now, say);
    const guess = make_guess(id, description, controls, start, compute);
    const reset = press("Reset");
    const pin = press("Pin this state", { "aria-pressed": false });
    const fit = press("Fit axes", { "aria-pressed": false });
    const link = make("a", { class: "snnlib-link" }, "Link to this state");
    link.hidden = !state.is_page;
    const downloads = make_downloads(root, id, description.panels, view, controls, now);
    const tools = [reset, pin, fit, link, ...downloads];
    root.querySelector(".snnlib-stage").replaceChildren(
      ...(guess ? [guess.element] : []), bar, make_presets(id, description.presets),
      view.element, make("div", { class: "snnlib-tools" }, ...tools), spoken
    );
    // Else JupyterLab takes arrow keys and Enter for its own.
    const reached = "input, select, button, summary, a, [tabindex]";
    for (const part of root.querySelectorAll(reached)) {
      part.setAttribute("data-lm-suppress-shortcuts", "true");
    }

    function redraw() {
      const began = performance.now();
      const refused = controls.find((control) => control.refusal() !== null);
      const values = current_values();
      const seen = refused ? { refusal: refused.refusal() } : compute(values);
      now.refusal = seen.refusal || null;
      if (now.refusal === null) now.shown = { values: values, view: seen };
      view.show();
      link.href = state.address_of(id, controls);
      root.setAttribute("data-redraw-ms", performance.now() - began);
    }

    function change() {
      unfold();
      redraw();
      if (guess && now.refusal === null) {
        const asked = Object.entries(description.guess.values);
        guess.moved(asked.every(([name, value]) => now.shown.values[name] === value));
      }
      // A screen reader hears of a change, and the address, once the slider rests.
      clearTimeout(announcing);
      announcing = setTimeout(function () {
        say(view.words());
        state.keep(link.hash);
      }, 500);
    }

    function go_to(target, anchor) {
      state.go_to(target, controls);
      change();
      if (anchor === link && navigator.clipboard) {
        const copied = navigator.clipboard.writeText(link.href);
        copied.then(() => say("Link copied"), () => {});
      }
      // From elsewhere on the page, or from another one.
      if (root.contains(anchor)) return;
      root.tabIndex = -1;
      root.focus({ preventScroll: true });
      root.scrollIntoView();
    }

    reset.addEventListener("click", function () {
      controls.forEach((control) => control.reset());
      change();
    });
    pin.addEventListener("click", function () {
      const is_pinned = now.ghost === start;
      now.ghost = is_pinned ? { ...now.shown, name: "pinned" } : start;
      pin.setAttribute("aria-pressed", is_pinned);
      view.show();
    });
    fit.addEventListener("click", function () {
      now.is_held = !now.is_held;
      fit.setAttribute("aria-pressed", !now.is_held);
      view.show();
    });

    view.settle();
    link.href = state.address_of(id, controls);
    state.follow(id, go_to);
    root.snnlib = { values: current_values, view: compute };
  };
})(snnlib.make, snnlib.state);
