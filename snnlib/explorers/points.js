// The reading of a point: under the pointer, or under a cursor that arrow keys move.

snnlib.make_reader = (function (make, make_svg) {
  "use strict";
  const round = (value) => String(Number(value.toPrecision(4)));

  // Where a panel can be read: along its lines, or at its points from left to right.
  function places(panel, view) {
    const named = panel.series.map((part) =>
      ({ part: part, ...view.series[`${panel.name}.${part.name}`] })
    );
    const line = named.find(({ part }) => part.kind === "line");
    if (line) return Array.from(line.x, (x) => ({ x: x, y: null }));
    return named
      .filter(({ part }) => part.kind === "points" || part.kind === "bars")
      .flatMap(({ x, y }) => Array.from(x, (at, i) => ({ x: at, y: y[i] })))
      .sort((a, b) => a.x - b.x);
  }

  // What a series is called at a height: a bar by the band that it lies in, too.
  function label_at({ kind, label }, { y_ticks }, y) {
    if (kind !== "bars") return label;
    const gap = ([at]) => Math.abs(at - y);
    return `${y_ticks.reduce((a, b) => (gap(b) < gap(a) ? b : a))[1]}, ${label}`;
  }

  // What stands at a place: a label, a value and where to mark it, for each series.
  function read(panel, view, at, { x_of, left, right }) {
    const reach = 0.012 * (right - left);
    const apart = (x) => Math.abs(x_of(x) - x_of(at.x));
    const found = [];
    for (const part of panel.series) {
      const { x, y } = view.series[`${panel.name}.${part.name}`];
      if (part.kind === "level") found.push({ label: part.label, y: y[0] });
      if (part.kind === "limit") found.push({ label: part.label, value: x[0] });
      if (part.kind === "intervals" && x.includes(at.x)) {
        const ends = y.slice(x.indexOf(at.x)).slice(0, 2).map(round).join(" to ");
        found.push({ label: part.label, text: ends });
      }
      if (!["line", "points", "bars"].includes(part.kind)) continue;
      let best = 0;
      for (let i = 1; i < x.length; i++) {
        const gap = Math.abs(x[i] - at.x) - Math.abs(x[best] - at.x);
        const is_tie = gap === 0 && at.y !== null;
        const is_nearer = Math.abs(y[i] - at.y) < Math.abs(y[best] - at.y);
        if (gap < 0 || (is_tie && is_nearer)) best = i;
      }
      const is_there = at.y === null
        ? part.kind === "line" || apart(x[best]) <= reach
        : x[best] === at.x && y[best] === at.y;
      if (part.label && x.length && is_there) {
        found.push({ label: label_at(part, panel, y[best]), y: y[best], mark: true });
      }
    }
    return found;
  }

  // Let a panel be read. `scene()` is what it shows and where, `say` tells a reader who
  // does not see.
  return function make_reader(panel, svg, scene, say) {
    const note = make("div", { class: "snnlib-point", hidden: "" });
    const holder = make("div", {
      class: "snnlib-axes", tabindex: 0, role: "group",
      "aria-label": `${panel.title}: read its points with the arrow keys`,
    }, svg, note);
    let cursor = null;

    function text_of(found) {
      const band = panel.y_ticks;
      return found
        .filter(({ mark }) => !(band && mark && found.length > 2))
        .map(({ label, y, value, text }) => {
          if (text) return `${label}: ${text}`;
          const shown = value ?? y;
          return band && value === undefined ? label : `${label}: ${round(shown)}`;
        });
    }

    function show() {
      svg.querySelectorAll(".cursor").forEach((mark) => mark.remove());
      note.hidden = cursor === null;
      if (cursor === null) return "";
      const { view, place } = scene();
      const { x_of, y_of, left, right, top, bottom } = place;
      const found = read(panel, view, cursor, place);
      const x = Math.min(Math.max(x_of(cursor.x), left), right);
      const line = { x1: x, x2: x, y1: top, y2: bottom, class: "cursor" };
      svg.append(make_svg("line", line));
      for (const { y, mark } of found) {
        if (!mark) continue;
        const at = Math.min(Math.max(y_of(y), top), bottom);
        svg.append(make_svg("circle", { cx: x, cy: at, r: 3.5, class: "cursor" }));
      }
      const lines = [`${panel.x_label}: ${round(cursor.x)}`, ...text_of(found)];
      note.replaceChildren(...lines.map((text) => make("div", {}, text)));
      // On the side where the cursor is not.
      const is_left = x > (left + right) / 2;
      note.style.left = is_left ? `${left + 4}px` : "auto";
      note.style.right = is_left ? "auto" : "16px";
      return lines.join("; ");
    }

    holder.addEventListener("pointermove", function (event) {
      const { view, place } = scene();
      const box = svg.getBoundingClientRect();
      const x = event.clientX - box.left;
      const y = event.clientY - box.top;
      const all = places(panel, view);
      let least = Infinity;
      for (const at of all) {
        const across = place.x_of(at.x) - x;
        const gap = Math.hypot(across, at.y === null ? 0 : place.y_of(at.y) - y);
        if (gap < least) [least, cursor] = [gap, at];
      }
      show();
    });
    function leave() {
      cursor = null;
      show();
    }
    holder.addEventListener("pointerleave", leave);
    holder.addEventListener("blur", leave);
    holder.addEventListener("keydown", function (event) {
      const all = places(panel, scene().view);
      const last = all.length - 1;
      const page = Math.ceil(all.length / 20);
      const moves = {
        ArrowRight: 1, ArrowLeft: -1, PageUp: page, PageDown: -page,
        Home: -Infinity, End: Infinity,
      };
      if (event.key === "Escape" && cursor !== null) return leave();
      if (!(event.key in moves)) return;
      event.preventDefault();
      if (!all.length) return;
      let from = -1;
      if (cursor !== null) {
        const gaps = all.map((at) =>
          Math.abs(at.x - cursor.x) + (at.y === cursor.y ? 0 : 1e-9)
        );
        from = gaps.indexOf(Math.min(...gaps));
      }
      cursor = all[Math.min(Math.max(from + moves[event.key], 0), last)];
      say(show());
    });
    return { element: holder, update: show };
  };
})(snnlib.make, snnlib.make_svg);
