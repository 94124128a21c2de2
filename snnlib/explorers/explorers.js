// The page's face of an explorer, where there is no kernel.
//
// The Python beside it describes controls, presets, panels and read-outs, and computes
// the same numbers as `snnlib.views`. `mount` builds the page's elements and keeps them
// in step with the controls.

snnlib.mount = (function (make, make_svg, state, show_number) {
  "use strict";

  const press = (text) => make("button", { type: "button" }, text);

  function make_mark(part, role) {
    return make("span", {
      class: `snnlib-mark ${part.kind} role-${role}` +
        (part.dashed ? " dashed" : "") + (part.hollow ? " hollow" : ""),
      "aria-hidden": "true",
    });
  }

  // An entry for each series, and one for what they are compared with.
  function make_legend(panel) {
    const entries = panel.series.map((part) =>
      make("li", {}, make_mark(part, part.role), part.label)
    );
    const name = make("span", { class: "snnlib-ghost" }, "start");
    entries.push(make("li", {}, make_mark({ kind: "line" }, "ghost"), name));
    return make("ul", { class: "snnlib-legend" }, ...entries);
  }

  function make_readouts(readouts) {
    const list = make("dl", { class: "snnlib-readouts" });
    const places = readouts.map(function (readout) {
      const number = make("span", { "data-readout": readout.name });
      const before = make("small", {});
      const term = make("dt", {}, readout.label);
      list.append(make("div", {}, term, make("dd", {}, number, before)));
      return { readout, number, before };
    });

    function show(view, ghost) {
      for (const { readout, number, before } of places) {
        number.textContent = show_number(readout, view);
        number.setAttribute("data-value", view.readouts[readout.name]);
        const was = show_number(readout, ghost);
        before.textContent = was === number.textContent ? "" : `was ${was}`;
      }
    }
    return { element: list, show: show };
  }

  // Few sliders are about the question; the others are folded away.
  function lay_out(controls, shown) {
    const element = (control) => control.element;
    const asked = shown.map((name) => controls.find((c) => c.name === name));
    const grid = make("div", { class: "snnlib-controls" }, ...asked.map(element));
    const bar = make("div", { class: "snnlib-bar" }, grid);
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

  return function mount(id, description) {
    const root = document.getElementById(id);
    const stage = root.querySelector(".snnlib-stage");
    const view_at = snnlib.views[description.kind];
    const compute = (values) => view_at(values, description.data);
    let announcing;

    const controls = description.controls.map((control) =>
      snnlib.make_control(control, `${id}-${control.name}`, change)
    );
    const { bar, unfold } = lay_out(controls, description.sliders);

    function current_values() {
      return Object.fromEntries(controls.map((c) => [c.name, c.value()]));
    }

    const start = current_values();
    const start_view = compute(start);
    // What is shown, what it is compared with, and whether the axes are held.
    let shown = { values: start, view: start_view };
    let ghost = { ...shown, name: "start" };
    let is_held = true;
    let refusal = null;

    const spoken = make("p", { class: "snnlib-spoken", role: "status" });
    const say = (text) => { spoken.textContent = text; };
    const panels = description.panels.map(function (panel) {
      const svg = make_svg("svg", {
        role: "img", "aria-label": panel.alt, "data-panel": panel.name,
      });
      const place = { panel: panel, svg: svg, width: 0, legend: make_legend(panel) };
      const scene = () => ({ view: shown.view, place: place.axes });
      place.reader = snnlib.make_reader(panel, svg, scene, say);
      return place;
    });
    const drawings = make("div", { class: "snnlib-panels" }, ...panels.map((place) =>
      make("div", { class: "snnlib-panel" }, place.reader.element, place.legend)
    ));
    const readouts = make_readouts(description.readouts);
    const reason = make("p", { class: "snnlib-refusal", hidden: "" });
    const pictures = make("div", { class: "snnlib-view" },
      drawings, readouts.element, make("div", { class: "snnlib-cover" }, reason)
    );

    const guess = make_guess();
    const presets = description.presets.map(({ name, values }) =>
      make("a", { href: address_of(values) }, name)
    );
    const [reset, pin, fit] = ["Reset", "Pin this state", "Fit axes"].map(press);
    const [png, csv] = ["PNG", "CSV"].map(press);
    png.setAttribute("aria-label", "Download the panels as PNG");
    csv.setAttribute("aria-label", "Download the series as CSV");
    const link = make("a", { class: "snnlib-link" }, "Link to this state");
    stage.replaceChildren(
      ...(guess ? [guess.element] : []), bar,
      make("p", { class: "snnlib-tries" }, ...(presets.length ? ["Try: "] : []), ...presets),
      pictures,
      make("div", { class: "snnlib-tools" }, reset, pin, fit, link, png, csv), spoken
    );
    // Else JupyterLab takes arrow keys and Enter for its own.
    for (const part of root.querySelectorAll("input, select, button, summary, a, [tabindex]")) {
      part.setAttribute("data-lm-suppress-shortcuts", "true");
    }

    function make_guess() {
      if (!description.guess) return null;
      const { values, readout } = description.guess;
      const after = compute({ ...start, ...values });
      if (after.refusal) return null;
      const settings = controls
        .filter((control) => control.name in values)
        .map((control) => `${control.name} to ${control.describe(values[control.name])}`);
      return snnlib.make_guess(id, {
        settings: settings,
        readout: description.readouts.find(({ name }) => name === readout),
        views: [start_view, after],
        go: () => go_to(address_of(values)),
      });
    }

    function address_of(values) {
      const named = Object.entries(values).map(([name, value]) =>
        `${name}=${value === null ? "none" : encodeURIComponent(value)}`
      );
      return `#${id}?${named.join("&")}`;
    }

    function go_to(address) {
      state.read(address.split("?")[1], controls);
      change();
    }

    // Asking for a width makes the browser lay out the page, so it is not asked for
    // while a slider moves.
    function measure() {
      const is_phone = window.innerWidth <= 600;
      for (const place of panels) {
        place.width = Math.max(place.reader.element.clientWidth, 220);
        place.height = is_phone ? 150 : place.width < 400 ? 176 : 190;
      }
    }

    function draw() {
      const is_same = controls.every(({ name }) =>
        Object.is(shown.values[name], ghost.values[name])
      );
      for (const place of panels) {
        const { panel, svg, width, height } = place;
        place.axes = snnlib.draw_panel(svg, panel, shown.view, is_same ? null : ghost.view, {
          clip_id: `${id}-${panel.name}-clip`, width, height, is_held,
        });
        place.reader.update();
        place.legend.querySelector(".snnlib-ghost").textContent = ghost.name;
      }
    }

    function redraw() {
      const began = performance.now();
      const values = current_values();
      const refused = controls.find((control) => control.refusal() !== null);
      const view = refused ? { refusal: refused.refusal() } : compute(values);
      refusal = view.refusal || null;
      if (refusal === null) shown = { values: values, view: view };
      // What was shown last stays where it was, dimmed, so that nothing jumps.
      pictures.classList.toggle("refused", refusal !== null);
      reason.hidden = refusal === null;
      reason.textContent = refusal || "";
      draw();
      readouts.show(shown.view, ghost.view);
      link.href = state.address(id, controls);
      root.setAttribute("data-redraw-ms", performance.now() - began);
    }

    function change() {
      unfold();
      redraw();
      if (guess && refusal === null) {
        const asked = Object.entries(description.guess.values);
        guess.moved(asked.every(([name, value]) => shown.values[name] === value));
      }
      // A screen reader hears of a change, and the address, once the slider rests.
      clearTimeout(announcing);
      announcing = setTimeout(function () {
        state.keep(id, controls);
        say(refusal || description.readouts
          .filter((readout) => readout.spoken)
          .map((readout) => `${readout.label}: ${show_number(readout, shown.view)}`)
          .join("; "));
      }, 500);
    }

    reset.addEventListener("click", function () {
      controls.forEach((control) => control.reset());
      change();
    });
    pin.setAttribute("aria-pressed", "false");
    pin.addEventListener("click", function () {
      const is_pinned = ghost.name === "start";
      ghost = is_pinned
        ? { ...shown, name: "pinned" }
        : { values: start, view: start_view, name: "start" };
      pin.setAttribute("aria-pressed", is_pinned);
      redraw();
    });
    fit.setAttribute("aria-pressed", "false");
    fit.addEventListener("click", function () {
      is_held = !is_held;
      fit.setAttribute("aria-pressed", !is_held);
      redraw();
    });
    const { save } = snnlib.download;
    const drawn = [panels.map((p) => p.svg), panels.map((p) => p.legend)];
    png.addEventListener("click", () =>
      snnlib.download.png(root, ...drawn, (blob) => save(blob, `${id}.png`))
    );
    csv.addEventListener("click", () =>
      save(snnlib.download.csv(description.panels, shown.view, controls), `${id}.csv`)
    );

    // A link to a state sets the sliders, here and anywhere on the page.
    document.addEventListener("click", function (event) {
      const anchor = event.target.closest("a[href]");
      const target = anchor ? anchor.getAttribute("href") : "";
      if (!target.startsWith(`#${id}?`) || event.ctrlKey || event.metaKey) return;
      event.preventDefault();
      go_to(target);
      state.keep(id, controls);
      if (anchor === link) copy_link();
      if (!root.contains(anchor)) come_into_view();
    });
    window.addEventListener("hashchange", follow_address);

    function copy_link() {
      const copied = navigator.clipboard && navigator.clipboard.writeText(link.href);
      if (copied) copied.then(() => say("Link copied"), () => {});
    }

    function come_into_view() {
      root.tabIndex = -1;
      root.focus({ preventScroll: true });
      root.scrollIntoView();
    }

    function follow_address() {
      const asked = state.in_address(id);
      if (asked === null) return;
      go_to(`?${asked}`);
      come_into_view();
    }

    measure();
    redraw();
    follow_address();
    new ResizeObserver(function () {
      measure();
      draw();
    }).observe(drawings);
    root.snnlib = { values: current_values, view: compute };
  };
})(snnlib.make, snnlib.make_svg, snnlib.state, snnlib.shared.show_number);
