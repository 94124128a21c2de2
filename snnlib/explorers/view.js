// What an explorer shows: panels with their legends, read-outs, and why there are none.

snnlib.make_view = (function (make, make_svg, show_number) {
  "use strict";

  const NO_NOTE = { lines: [], missing: "" };

  function make_mark(part, role) {
    return make("span", {
      class: `snnlib-mark ${part.kind} role-${role}` +
        (part.dashed ? " dashed" : "") + (part.hollow ? " hollow" : ""),
      "aria-hidden": "true",
    });
  }

  // An entry for each series, and one for what they are compared with.
  function make_legend(all_series) {
    const named = all_series.filter((part) => part.label);
    const entries = named.map((part) =>
      make("li", {}, make_mark(part, part.role), part.label)
    );
    const name = make("span", { class: "snnlib-ghost" });
    entries.push(make("li", {}, make_mark({ kind: "line" }, "ghost"), name));
    return make("ul", { class: "snnlib-legend" }, ...entries);
  }

  // What is said of a panel, and over it why there is nothing in it.
  function make_note(holder) {
    const list = make("ul", { class: "snnlib-notes" });
    const reason = make("p", { class: "snnlib-missing", hidden: "" });
    holder.append(reason);

    function show({ lines, missing }) {
      list.replaceChildren(...lines.map(([state, verdict, on, number]) => make(
        "li", { "data-state": state }, make("strong", {}, verdict), ` ${on} `,
        make("span", {}, number)
      )));
      holder.classList.toggle("missing", missing !== "");
      reason.hidden = missing === "";
      reason.textContent = missing;
    }
    return { element: list, show: show };
  }

  function make_panel(panel, legend, now, say) {
    const svg = make_svg("svg", {
      role: "img", "aria-label": panel.alt, "data-panel": panel.name,
    });
    const place = { panel: panel, svg: svg, legend: legend };
    const scene = () => ({ view: now().shown.view, place: place.axes });
    place.reader = snnlib.make_reader(panel, svg, scene, say);
    place.note = make_note(place.reader.element);
    return place;
  }

  // Each panel with its legend; or, if they stand in groups, below the name of theirs
  // with its read-outs, and all above one legend.
  function arrange(places, grouped) {
    const framed = ({ reader, note, legend }) => make("div", { class: "snnlib-panel" },
      reader.element, note.element, ...(grouped.length ? [] : [legend])
    );
    if (!grouped.length) return places.map(framed);
    const parts = grouped.flatMap(({ group, readouts }) => [
      make("div", { class: "snnlib-group" }, make("p", {}, group), readouts.element),
      ...places.filter(({ panel }) => panel.group === group).map(framed),
    ]);
    return [...parts, places[0].legend];
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

  // `now()` is what there is to see: what is shown, its ghost (each values and a view),
  // whether axes are held, and a refusal or null.
  return function make_view(id, { panels, readouts }, now, say) {
    const groups = [...new Set(panels.map(({ group }) => group))].filter(Boolean);
    const of_group = (name) => readouts.filter(({ group }) => group === name);
    const grouped = groups.map((group) =>
      ({ group: group, readouts: make_readouts(of_group(group)) })
    );
    const labels = new Map(panels.flatMap((p) => p.series).map((s) => [s.label, s]));
    const shared = groups.length ? make_legend([...labels.values()]) : null;
    const places = panels.map((panel) =>
      make_panel(panel, shared || make_legend(panel.series), now, say)
    );
    const drawings = make("div", {
      class: `snnlib-panels${groups.length ? " grouped" : ""}`,
    }, ...arrange(places, grouped));
    const numbers = make_readouts(of_group(""));
    const reason = make("p", { class: "snnlib-refusal", hidden: "" });
    const cover = make("div", { class: "snnlib-cover" }, reason);
    const element = make("div", { class: "snnlib-view" });
    element.append(drawings, numbers.element, cover);

    // Asking for a width makes the browser lay out the page, so it is not asked for
    // while a slider moves.
    function measure() {
      const is_phone = window.innerWidth <= 600;
      for (const place of places) {
        place.width = Math.max(place.reader.element.clientWidth, 220);
        // Bands with names need room for these.
        const bands = (place.panel.y_ticks || []).length;
        place.height = Math.max(is_phone ? 150 : 166, 62 + 13 * bands);
      }
    }

    function draw() {
      const { shown, ghost, is_held } = now();
      const is_same = Object.keys(shown.values).every((name) =>
        Object.is(shown.values[name], ghost.values[name])
      );
      for (const place of places) {
        const { panel, svg, width, height } = place;
        const clip_id = `${id}-${panel.name}-clip`;
        const look = { clip_id, width, height, is_held };
        const below = is_same ? null : ghost.view;
        place.axes = snnlib.draw_panel(svg, panel, shown.view, below, look);
        place.note.show((shown.view.notes || {})[panel.name] || NO_NOTE);
        place.reader.update();
        place.legend.querySelector(".snnlib-ghost").textContent = ghost.name;
      }
    }

    function show() {
      const { shown, ghost, refusal } = now();
      // What was shown last stays where it was, dimmed, so that nothing jumps.
      element.classList.toggle("refused", refusal !== null);
      reason.hidden = refusal === null;
      reason.textContent = refusal || "";
      draw();
      for (const list of [numbers, ...grouped.map((it) => it.readouts)]) {
        list.show(shown.view, ghost.view);
      }
    }

    // Once it is on the page: it has no width before.
    function settle() {
      measure();
      show();
      new ResizeObserver(function () {
        measure();
        draw();
      }).observe(drawings);
    }

    // What a screen reader is told.
    function words() {
      const { shown, refusal } = now();
      return refusal || readouts
        .filter((readout) => readout.spoken)
        .map((readout) => `${readout.label}: ${show_number(readout, shown.view)}`)
        .join("; ");
    }
    return { element, places, settle, show, words };
  };
})(snnlib.make, snnlib.make_svg, snnlib.shared.show_number);
