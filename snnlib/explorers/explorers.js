// The explorers of the book where there is no kernel: sliders, panels and read-outs.
//
// The Python beside it describes each of them (controls, panels, read-outs, data) and
// computes the same numbers. Here, `views` computes them with lif.js, and `mount`
// builds the page's elements and keeps them in step with the sliders.

snnlib.views = (function (lif) {
  "use strict";

  function times(n_steps, dt) {
    return Array.from({ length: n_steps }, (_, step) => (step + 1) * dt);
  }

  // Give a view the neuron: what sliders set of it, and the rest as the data has it.
  function of_neuron(view) {
    return function (values, data) {
      const neuron = { ...data.neuron };
      for (const name in neuron) if (name in values) neuron[name] = values[name];
      const refusal = lif.refusal(neuron, data.dt, data.owner);
      return refusal ? { refusal: refusal } : view(values, neuron, data);
    };
  }

  // One neuron under a constant input for a second.
  function view_lif({ synapse, input }, neuron, { dt }) {
    const { amplitude } = neuron;
    const n_steps = lif.step_count(1, dt);
    const { gain, bias } = lif.gain_bias(neuron);
    const current = gain * input + bias;
    const run = lif.simulate(current, n_steps, dt, neuron, 0, true);
    const output = lif.lowpass(
      lif.decode([run.spikes], [amplitude / dt], n_steps), synapse, dt
    );
    const rate = lif.rate(current, neuron);
    const time = times(n_steps, dt);
    const inputs = Array.from({ length: 126 }, (_, i) => (i - 50) / 50);
    const second_half = output.subarray(n_steps / 2);
    return {
      series: {
        "curve.formula": {
          x: inputs,
          y: inputs.map((x) => lif.rate(gain * x + bias, neuron)),
        },
        "curve.measured": { x: [input], y: [run.spikes.length] },
        "voltage.trace": { x: time.slice(0, 200), y: run.voltage.subarray(0, 200) },
        "voltage.threshold": { x: [], y: [1] },
        "voltage.spikes": {
          x: run.spikes.filter((step) => step < 200).map((step) => time[step]), y: [],
        },
        "output.filtered": { x: time, y: output },
        "output.target": { x: [], y: [amplitude * rate] },
      },
      readouts: {
        gain: gain,
        bias: bias,
        current: current,
        rate: rate,
        spikes: run.spikes.length,
        target: amplitude * rate,
        mean: lif.read_out(output, "mean"),
        last: lif.read_out(output, "last"),
        ripple: Math.max(...second_half) - Math.min(...second_half),
      },
    };
  }

  // Fit an ensemble to the training rows and show it all rows: what regressor and
  // classifier have in common. Rows of the same drive are simulated once.
  function fit_and_simulate({ presentation_time, synapse, readout }, neuron, data) {
    const { amplitude } = neuron;
    const dt = data.dt;
    const neurons = data.intercepts.map((intercept) =>
      lif.gain_bias({ ...neuron, intercept })
    );
    const currents = data.drive.map((row) =>
      row.map((drive, i) => neurons[i].gain * drive + neurons[i].bias)
    );
    const rates = currents
      .slice(0, data.n_train)
      .map((row) => row.map((current) => amplitude * lif.rate(current, neuron)));
    const { decoders, constant } = lif.solve_decoders(rates, data.targets, data.reg);
    const weights = decoders.map((decoder) => (decoder * amplitude) / dt);
    const n_steps = lif.step_count(presentation_time, dt);
    const seen = new Map();
    const rows = currents.map(function (row) {
      const key = row.join();
      if (!seen.has(key)) {
        const spikes = row.map((current, i) =>
          lif.simulate(current, n_steps, dt, neuron, data.voltages[i]).spikes
        );
        const output = lif.lowpass(lif.decode(spikes, weights, n_steps), synapse, dt);
        seen.set(key, {
          // The decoder's constant does not pass the synapse.
          output: () => output.map((value) => value + constant),
          value: lif.read_out(output, readout) + constant,
          n_spikes: spikes.reduce((sum, of) => sum + of.length, 0),
        });
      }
      return seen.get(key);
    });
    return { rows: rows, time: times(n_steps, dt) };
  }

  // 100 times the mean squared error relative to the target.
  function mspe(targets, predictions) {
    return 100 * lif.mean(targets.map((y, i) => Math.pow((y - predictions[i]) / y, 2)));
  }

  function view_regression(values, neuron, data) {
    const { rows, time } = fit_and_simulate(values, neuron, data);
    const predictions = rows.map((row) => row.value);
    const line = (x) => data.slope * x + data.constant;
    const { x, targets, n_train } = data;
    const sample = values.sample;
    const ends = [x[0], x[n_train - 1]];
    return {
      series: {
        "fit.data": { x: x, y: targets },
        "fit.baseline": { x: ends, y: ends.map(line) },
        "fit.spiking": { x: data.grid, y: predictions.slice(n_train) },
        "fit.chosen": { x: [x[sample]], y: [predictions[sample]] },
        "output.filtered": { x: time, y: rows[sample].output() },
        "output.target": { x: [], y: [targets[sample]] },
      },
      readouts: {
        mspe: mspe(targets, predictions),
        mspe_line: mspe(targets, x.map(line)),
        prediction: predictions[sample],
        target: targets[sample],
        spikes: rows[sample].n_spikes,
      },
    };
  }

  function view_classification(values, neuron, data) {
    const { rows, time } = fit_and_simulate(values, neuron, data);
    const { threshold, sample } = values;
    const counts = [[0, 0], [0, 0]]; // by true class, then by what it was called
    const right = { x: [], y: [] };
    const wrong = { x: [], y: [] };
    rows.forEach(function (row, i) {
      const called = row.value > threshold ? 1 : 0;
      counts[data.codes[i]][called] += 1;
      const group = called === data.codes[i] ? right : wrong;
      group.x.push(row.value);
      group.y.push(data.heights[i]);
    });
    const positives = counts[1][0] + counts[1][1];
    return {
      series: {
        "decisions.right": right,
        "decisions.wrong": wrong,
        "decisions.threshold": { x: [threshold], y: [] },
        "decisions.chosen": { x: [rows[sample].value], y: [data.heights[sample]] },
        "output.filtered": { x: time, y: rows[sample].output() },
        "output.threshold": { x: [], y: [threshold] },
      },
      readouts: {
        accuracy: (100 * (counts[0][0] + counts[1][1])) / rows.length,
        majority: (100 * Math.max(positives, rows.length - positives)) / rows.length,
        true_positive: counts[1][1],
        false_negative: counts[1][0],
        false_positive: counts[0][1],
        true_negative: counts[0][0],
        decision: rows[sample].value,
        spikes: rows[sample].n_spikes,
      },
    };
  }

  return {
    lif: of_neuron(view_lif),
    regression: of_neuron(view_regression),
    classification: of_neuron(view_classification),
  };
})(snnlib.lif);

// A panel: axes in SVG, drawn anew at the width they have on the page.
snnlib.draw_panel = (function () {
  "use strict";
  const TOP = 26;
  const RIGHT = 12;
  const BOTTOM = 40;

  // Round numbers from low to high, four to seven of them.
  function ticks_between(low, high) {
    const rough = (high - low) / 4;
    const power = Math.pow(10, Math.floor(Math.log10(rough)));
    const step = [1, 2, 5, 10].map((f) => f * power).filter((s) => s <= rough * 1.001).pop();
    const first = Math.ceil(low / step - 1e-9);
    const count = Math.floor((high - first * step) / step + 1e-9) + 1;
    return Array.from({ length: count }, (_, i) =>
      Number(((first + i) * step).toPrecision(12))
    );
  }

  // Smallest and largest finite value of all series along one axis, with a margin.
  function limits_of(panel, series, axis) {
    if (panel[axis + "_limits"]) return panel[axis + "_limits"];
    let low = Infinity;
    let high = -Infinity;
    for (const part of panel.series) {
      for (const value of series[panel.name + "." + part.name][axis]) {
        if (value < low) low = value;
        if (value > high) high = value;
      }
    }
    if (low > high) return [0, 1];
    const is_line = axis === "x" && panel.series.some((part) => part.kind === "line");
    const from_zero = axis === "y" && panel.from_zero;
    const room = is_line ? 0 : 0.06 * (high - low) || 0.5 * Math.abs(high) || 1;
    return [from_zero ? Math.min(0, low) : low - room, high + room];
  }

  function element(name, attributes, text) {
    const made = document.createElementNS("http://www.w3.org/2000/svg", name);
    for (const key in attributes) made.setAttribute(key, attributes[key]);
    if (text !== undefined) made.textContent = text;
    return made;
  }

  return function draw_panel(svg, panel, series, clip_id, width) {
    // Low on a phone, so that slider and panel fit on the screen together.
    const height = width < 400 ? 180 : 230;
    const [x_low, x_high] = limits_of(panel, series, "x");
    const [y_low, y_high] = limits_of(panel, series, "y");
    const y_ticks = panel.y_ticks || ticks_between(y_low, y_high).map((y) => [y, y]);
    const letters = Math.max(...y_ticks.map(([_, label]) => String(label).length));
    const left = Math.max(58, 32 + 7 * letters);
    const right = width - RIGHT;
    const bottom = height - BOTTOM;
    const x_of = (x) => left + ((x - x_low) / (x_high - x_low)) * (right - left);
    const y_of = (y) => bottom - ((y - y_low) / (y_high - y_low)) * (bottom - TOP);
    const clip = element("clipPath", { id: clip_id });
    const frame = {
      x: left, y: TOP, width: right - left, height: bottom - TOP,
    };
    clip.append(element("rect", frame));
    const parts = [clip, element("text", { x: left, y: 15, class: "title" }, panel.title)];

    for (const x of ticks_between(x_low, x_high)) {
      const at = { x1: x_of(x), x2: x_of(x), y1: TOP, y2: bottom, class: "grid" };
      parts.push(element("line", at));
      parts.push(element("text", { x: x_of(x), y: bottom + 16, class: "x-tick" }, x));
    }
    for (const [y, label] of y_ticks) {
      const at = { x1: left, x2: right, y1: y_of(y), y2: y_of(y), class: "grid" };
      parts.push(element("line", at));
      parts.push(element("text", { x: left - 6, y: y_of(y) + 4, class: "y-tick" }, label));
    }
    const middle = (left + right) / 2;
    parts.push(element("text", { x: middle, y: height - 6, class: "x-label" }, panel.x_label));
    const turn = `translate(13 ${(TOP + bottom) / 2}) rotate(-90)`;
    parts.push(element("text", { transform: turn, class: "y-label" }, panel.y_label));

    const plot = element("g", { "clip-path": `url(#${clip_id})` });
    for (const part of panel.series) {
      const { x, y } = series[panel.name + "." + part.name];
      const style = `series ${part.kind} role-${part.role}` +
        (part.dashed ? " dashed" : "") + (part.hollow ? " hollow" : "");
      let d = "";
      if (part.kind === "line") {
        for (let i = 0; i < x.length; i++) {
          d += (i ? "L" : "M") + x_of(x[i]).toFixed(1) + " " + y_of(y[i]).toFixed(1);
        }
      } else if (part.kind === "points") {
        const r = x.length > 1 ? 3.5 : 5;
        for (let i = 0; i < x.length; i++) {
          const edge = (x_of(x[i]) - r).toFixed(1);
          d += `M${edge} ${y_of(y[i]).toFixed(1)}a${r} ${r} 0 1 0 ${2 * r} 0` +
            `a${r} ${r} 0 1 0 ${-2 * r} 0`;
        }
      } else if (part.kind === "ticks") {
        for (const at of x) d += `M${x_of(at).toFixed(1)} ${TOP + 4}v12`;
      } else if (part.kind === "level") {
        d = `M${left} ${y_of(y[0]).toFixed(1)}H${right}`;
      } else {
        d = `M${x_of(x[0]).toFixed(1)} ${TOP}V${bottom}`;
      }
      plot.append(element("path", { d: d, class: style }));
    }
    parts.push(plot);
    svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
    svg.setAttribute("height", height);
    svg.replaceChildren(...parts);
  };
})();

snnlib.mount = (function () {
  "use strict";

  function make(name, attributes, ...children) {
    const made = document.createElement(name);
    for (const key in attributes) made.setAttribute(key, attributes[key]);
    made.append(...children);
    return made;
  }

  // A labelled slider, or a list to choose from where the values are words.
  function make_control(control, id, on_input) {
    const words = typeof control.values[control.start] === "string";
    const value = make("output", { for: id }, control.labels[control.start]);
    const label = make("label", { for: id }, make("code", {}, control.name));
    let input;
    if (words) {
      input = make("select", { id: id });
      control.labels.forEach((text, i) => input.append(make("option", { value: i }, text)));
      input.value = control.start;
    } else {
      const range = { type: "range", id: id, min: 0, max: control.values.length - 1, step: 1 };
      input = make("input", { ...range, value: control.start });
    }
    function show() {
      value.textContent = control.labels[input.value];
      if (!words) input.setAttribute("aria-valuetext", control.labels[input.value]);
    }
    show();
    input.addEventListener("input", function () {
      show();
      on_input();
    });
    return {
      element: make("div", { class: "snnlib-control" }, label, input, words ? "" : value),
      name: control.name,
      value: () => control.values[input.value],
      reset: function () {
        input.value = control.start;
        show();
      },
    };
  }

  function make_legend(panel) {
    const legend = make("ul", { class: "snnlib-legend" });
    for (const part of panel.series.filter((series) => series.label)) {
      const mark = make("span", {
        class: `snnlib-mark ${part.kind} role-${part.role}` +
          (part.dashed ? " dashed" : "") + (part.hollow ? " hollow" : ""),
        "aria-hidden": "true",
      });
      legend.append(make("li", {}, mark, part.label));
    }
    return legend;
  }

  function show_number(readout, number) {
    return `${number.toFixed(readout.digits)} ${readout.unit}`.trim();
  }

  return function mount(id, description) {
    const root = document.getElementById(id);
    const stage = root.querySelector(".snnlib-stage");
    const compute = snnlib.views[description.kind];
    let view;
    let announcing;

    const controls = description.controls.map((control) =>
      make_control(control, `${id}-${control.name}`, change)
    );
    const reset = make("button", { type: "button", class: "snnlib-reset" }, "Reset");
    reset.addEventListener("click", function () {
      controls.forEach((control) => control.reset());
      change();
    });
    const panels = description.panels.map(function (panel) {
      const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
      svg.setAttribute("role", "img");
      svg.setAttribute("aria-label", panel.alt);
      svg.setAttribute("data-panel", panel.name);
      return { panel: panel, svg: svg, width: 0 };
    });
    const drawings = make(
      "div", { class: "snnlib-panels" },
      ...panels.map(({ panel, svg }) =>
        make("div", { class: "snnlib-panel" }, make("div", {}, svg), make_legend(panel))
      )
    );
    const numbers = new Map();
    const readouts = make("dl", { class: "snnlib-readouts" });
    for (const readout of description.readouts) {
      const number = make("dd", { "data-readout": readout.name });
      numbers.set(readout, number);
      readouts.append(make("div", {}, make("dt", {}, readout.label), number));
    }
    const refusal = make("p", { class: "snnlib-refusal", hidden: "" });
    const spoken = make("p", { class: "snnlib-spoken", role: "status" });
    stage.replaceChildren(
      make("div", { class: "snnlib-controls" }, ...controls.map((c) => c.element), reset),
      refusal, drawings, readouts, spoken
    );
    // Else JupyterLab takes arrow keys and Enter for its own.
    for (const part of root.querySelectorAll("input, select, button, summary")) {
      part.setAttribute("data-lm-suppress-shortcuts", "true");
    }

    // Asking for a width makes the browser lay out the page, so it is not asked for
    // while a slider moves.
    function measure() {
      for (const place of panels) {
        place.width = Math.max(place.svg.parentNode.clientWidth, 240);
      }
    }

    function draw() {
      for (const { panel, svg, width } of panels) {
        snnlib.draw_panel(svg, panel, view.series, `${id}-${panel.name}-clip`, width);
      }
    }

    function current_values() {
      const values = {};
      for (const control of controls) values[control.name] = control.value();
      return values;
    }

    function redraw() {
      const began = performance.now();
      view = compute(current_values(), description.data);
      refusal.hidden = !view.refusal;
      drawings.hidden = readouts.hidden = Boolean(view.refusal);
      refusal.textContent = view.refusal || "";
      if (!view.refusal) {
        draw();
        for (const [readout, number] of numbers) {
          number.textContent = show_number(readout, view.readouts[readout.name]);
          number.setAttribute("data-value", view.readouts[readout.name]);
        }
      }
      root.setAttribute("data-redraw-ms", performance.now() - began);
    }

    function change() {
      redraw();
      announce();
    }

    // A screen reader hears of a change once the slider rests.
    function announce() {
      clearTimeout(announcing);
      announcing = setTimeout(function () {
        spoken.textContent = view.refusal || description.readouts
          .filter((readout) => readout.spoken)
          .map((r) => `${r.label}: ${show_number(r, view.readouts[r.name])}`)
          .join("; ");
      }, 500);
    }

    measure();
    redraw();
    new ResizeObserver(function () {
      if (view.refusal) return;
      measure();
      draw();
    }).observe(drawings);
    root.snnlib = {
      values: current_values,
      view: (values) => compute(values, description.data),
    };
  };
})();
