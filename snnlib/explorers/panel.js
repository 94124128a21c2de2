// A panel: axes in SVG, drawn anew at the width they have on the page.

snnlib.draw_panel = (function (make_svg) {
  "use strict";
  const TOP = 24;
  const RIGHT = 12;
  const BOTTOM = 38;
  // What the sliders leave alone would only be hidden by a ghost.
  const STILL = ["data", "baseline"];

  // What an axis is even in, and the way back.
  const SCALES = {
    linear: { to: (value) => value, from: (step) => step },
    log: { to: Math.log10, from: (step) => Math.pow(10, step) },
    errors: {
      to: (value) => -Math.log10(Math.max(100 - value, 0.01)),
      from: (step) => 100 - Math.pow(10, -step),
    },
  };
  const scale_of = (panel, axis) => SCALES[panel[axis + "_scale"]];

  // Powers of ten within an axis, as many as there is room for.
  function powers_between(low, high, most) {
    const first = Math.ceil(Math.log10(low) - 1e-9);
    const n_powers = Math.floor(Math.log10(high) + 1e-9) - first + 1;
    const stride = Math.ceil(n_powers / most);
    const powers = Array.from({ length: Math.ceil(n_powers / stride) }, (_, i) =>
      first + i * stride
    );
    // Where they are few, with 2 and 5 between them.
    const factors = 3 * n_powers > most ? [1] : [1, 2, 5];
    return [first - 1, ...powers]
      .flatMap((power) => factors.map((f) => Number((f * 10 ** power).toPrecision(12))))
      .filter((value) => value >= low && value <= high);
  }

  const tick_label = (value) =>
    value >= 1e4 || (value > 0 && value < 1e-3) ? value.toExponential() : value;

  // Round numbers from low to high, at most so many of them.
  function ticks_between(low, high, most, scale) {
    if (scale === SCALES.log) return powers_between(low, high, most);
    const rough = (high - low) / (most - 1);
    const power = Math.pow(10, Math.floor(Math.log10(rough)));
    const step = [1, 2, 5, 10].map((f) => f * power).find((s) => s >= rough * 0.999);
    const first = Math.ceil(low / step - 1e-9);
    const count = Math.floor((high - first * step) / step + 1e-9) + 1;
    return Array.from({ length: count }, (_, i) =>
      Number(((first + i) * step).toPrecision(12))
    );
  }

  // Smallest and largest value that series have along an axis.
  function extent(panel, views, axis) {
    let low = Infinity;
    let high = -Infinity;
    for (const { series } of views) {
      for (const part of panel.series) {
        for (const value of series[`${panel.name}.${part.name}`][axis]) {
          if (value < low) low = value;
          if (value > high) high = value;
        }
      }
    }
    return [low, high];
  }

  // Where an axis ends: where it is held, or around all that is drawn.
  function limits_of(panel, views, axis, is_held) {
    const held = panel[axis + "_limits"];
    // Bands have names, and no other height than their own.
    if (held && (is_held || (axis === "y" && panel.y_ticks))) return held;
    const [low, high] = extent(panel, views, axis);
    if (low > high) return held || [0, 1];
    const is_line = axis === "x" && panel.series.some((part) => part.kind === "line");
    const from_zero = axis === "y" && panel.from_zero;
    const { to, from } = scale_of(panel, axis);
    const [first, last] = [to(low), to(high)];
    const room = is_line ? 0 : 0.06 * (last - first) || 0.5 * Math.abs(last) || 1;
    return [from_zero ? Math.min(0, low) : from(first - room), from(last + room)];
  }

  // The path of a series, in pixels. Points beyond an axis stand at its end.
  function path_of(part, { x, y }, { x_of, y_of, left, right, bottom }) {
    let d = "";
    const within = (at, from, to) => Math.min(Math.max(at, from), to);
    if (part.kind === "line") {
      for (let i = 0; i < x.length; i++) {
        d += (i ? "L" : "M") + x_of(x[i]).toFixed(1) + " " + y_of(y[i]).toFixed(1);
      }
    } else if (part.kind === "points") {
      const r = x.length > 1 ? 3.5 : 5;
      for (let i = 0; i < x.length; i++) {
        const edge = (within(x_of(x[i]), left, right) - r).toFixed(1);
        d += `M${edge} ${within(y_of(y[i]), TOP, bottom).toFixed(1)}` +
          `a${r} ${r} 0 1 0 ${2 * r} 0a${r} ${r} 0 1 0 ${-2 * r} 0`;
      }
    } else if (part.kind === "bars") {
      for (let i = 0; i < x.length; i++) {
        d += `M${left} ${y_of(y[i]).toFixed(1)}` +
          `H${within(x_of(x[i]), left, right).toFixed(1)}`;
      }
    } else if (part.kind === "intervals") {
      for (let i = 0; i < x.length; i += 2) {
        d += `M${x_of(x[i]).toFixed(1)} ${y_of(y[i]).toFixed(1)}` +
          `V${y_of(y[i + 1]).toFixed(1)}`;
      }
    } else if (part.kind === "ticks") {
      for (const at of x) d += `M${x_of(at).toFixed(1)} ${TOP + 4}v12`;
    } else if (part.kind === "level") {
      d = `M${left} ${y_of(y[0]).toFixed(1)}H${right}`;
    } else {
      d = `M${x_of(x[0]).toFixed(1)} ${TOP}V${bottom}`;
    }
    return d;
  }

  // Words at the end of an axis that what is drawn goes beyond.
  function beyond(panel, view, { x_limits, y_limits, left, right, bottom }) {
    const words = (value) => String(Number(value.toPrecision(3)));
    const [x_low, x_high] = extent(panel, [view], "x");
    const [y_low, y_high] = extent(panel, [view], "y");
    const slack = 1e-9 * (y_limits[1] - y_limits[0]);
    const place = (x, y, anchor, text) =>
      make_svg("text", { x: x, y: y, class: `beyond ${anchor}` }, text);
    const middle = (TOP + bottom) / 2;
    const found = [];
    if (y_high > y_limits[1] + slack) {
      found.push(place(right - 4, TOP + 14, "end", `↑ up to ${words(y_high)}`));
    }
    if (y_low < y_limits[0] - slack) {
      found.push(place(right - 4, bottom - 6, "end", `↓ down to ${words(y_low)}`));
    }
    if (x_high > x_limits[1] + 1e-9) {
      found.push(place(right - 4, middle, "end", `→ up to ${words(x_high)}`));
    }
    if (x_low < x_limits[0] - 1e-9) {
      found.push(place(left + 4, middle, "start", `← down to ${words(x_low)}`));
    }
    return found;
  }

  // Draw a view over its ghost, which may be null, and return where things are.
  return function draw_panel(svg, panel, view, ghost, look) {
    const { clip_id, width, height, is_held } = look;
    const views = ghost ? [view, ghost] : [view];
    const x_limits = limits_of(panel, views, "x", is_held);
    const y_limits = limits_of(panel, views, "y", is_held);
    const [x_scale, y_scale] = [scale_of(panel, "x"), scale_of(panel, "y")];
    const [x_low, x_high] = x_limits.map(x_scale.to);
    const [y_low, y_high] = y_limits.map(y_scale.to);
    const most = height < 160 ? 5 : 7;
    const marks = (axis, [low, high], count) => panel[axis + "_marks"]
      ? panel[axis + "_marks"].filter((at) => at >= low && at <= high)
      : ticks_between(low, high, count, scale_of(panel, axis));
    const numbers = () => marks("y", y_limits, most).map((y) => [y, tick_label(y)]);
    const y_ticks = panel.y_ticks || numbers();
    const letters = Math.max(...y_ticks.map(([_, label]) => String(label).length));
    const left = Math.max(50, 28 + 7 * letters);
    const right = width - RIGHT;
    const bottom = height - BOTTOM;
    const x_share = (x) => (x_scale.to(x) - x_low) / (x_high - x_low);
    const y_share = (y) => (y_scale.to(y) - y_low) / (y_high - y_low);
    const x_of = (x) => left + x_share(x) * (right - left);
    const y_of = (y) => bottom - y_share(y) * (bottom - TOP);
    const place = { x_of, y_of, x_limits, y_limits, left, right, bottom, top: TOP };
    const clip = make_svg("clipPath", { id: clip_id });
    clip.append(make_svg("rect", {
      x: left, y: TOP, width: right - left, height: bottom - TOP,
    }));
    const parts = [
      clip, make_svg("text", { x: left, y: 15, class: "title" }, panel.title),
    ];

    for (const x of marks("x", x_limits, width < 300 ? 5 : 7)) {
      const at = { x1: x_of(x), x2: x_of(x), y1: TOP, y2: bottom, class: "grid" };
      parts.push(make_svg("line", at));
      parts.push(make_svg("text", { x: x_of(x), y: bottom + 16, class: "x-tick" },
        tick_label(x)));
    }
    for (const [y, label] of y_ticks) {
      const at = { x1: left, x2: right, y1: y_of(y), y2: y_of(y), class: "grid" };
      parts.push(make_svg("line", at));
      const beside = { x: left - 6, y: y_of(y) + 4, class: "y-tick" };
      parts.push(make_svg("text", beside, label));
    }
    const middle = (left + right) / 2;
    const below = { x: middle, y: height - 6, class: "x-label" };
    parts.push(make_svg("text", below, panel.x_label));
    const turn = `translate(13 ${(TOP + bottom) / 2}) rotate(-90)`;
    parts.push(make_svg("text", { transform: turn, class: "y-label" }, panel.y_label));

    const plot = make_svg("g", { "clip-path": `url(#${clip_id})` });
    for (const shown of views.slice().reverse()) {
      for (const part of panel.series) {
        if (shown === ghost && STILL.includes(part.role)) continue;
        const role = shown === ghost ? "ghost" : part.role;
        const style = `series ${part.kind} role-${role}` +
          (part.dashed ? " dashed" : "") + (part.hollow ? " hollow" : "");
        const d = path_of(part, shown.series[`${panel.name}.${part.name}`], place);
        plot.append(make_svg("path", { d: d, class: style }));
      }
    }
    parts.push(plot, ...beyond(panel, view, place));
    svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
    svg.setAttribute("height", height);
    svg.setAttribute("data-limits", JSON.stringify([x_limits, y_limits]));
    svg.replaceChildren(...parts);
    return place;
  };
})(snnlib.make_svg);
