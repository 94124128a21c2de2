// A trained conv net at a digit that the reader draws: its spikes as maps that move, its
// outputs racing, and what the neurons' settings make of both.
//
// The network runs in a worker, step by step; the page keeps what each step brought and
// shows it at the reader's pace. What a preset or a slider changes are settings; a preset
// may also bring weights of its own.

snnlib.digit = (function (lif, conv, worker, pad, state) {
  "use strict";

  // Steps that a spike glows on a map, and what is left of it after each.
  const GLOW = 8;
  const FADE = 0.65;
  const SPEEDS = { slow: 4, normal: 12, fast: 50 }; // steps a second
  const STILL = matchMedia("(prefers-reduced-motion: reduce)");

  function make(name, attributes, ...children) {
    const made = document.createElement(name);
    for (const key in attributes) made.setAttribute(key, attributes[key]);
    made.append(...children);
    return made;
  }

  const in_words = (number) => number.toLocaleString("en");

  // The encoded weights of a network, from its script in the page or from the file that
  // the script names.
  function encoded(name) {
    const script = document.querySelector(`script[data-network="${name}"]`);
    if (script.dataset.address) return worker.load(name, script.dataset.address);
    return Promise.resolve(JSON.parse(script.textContent));
  }

  // Steps after which what a layer sends has passed the synapses that follow it.
  const delay = ({ synapse, layer_synapse }) => (synapse ? 1 : 0) + (layer_synapse ? 1 : 0);

  // What a run leads to, step by step as it comes.
  function start_record(network, settings) {
    const plans = conv.plan(network);
    const [n_layers, n_outputs] = [plans.length - 1, network.classes.length];
    const record = {
      n_steps: settings.n_steps, n_outputs, n_layers, plans, settings, network,
      output: new Float32Array(settings.n_steps * n_outputs),
      n_done: 0, spikes: [], counts: [], additions: [], scores: [], leaders: [],
      largest: network.scale, multiplications: 0, is_done: false,
    };
    // One step more; `leaders` has a class's place, or null before a spike arrives.
    record.add = function ({ step, output, counts, spikes, additions }) {
      record.output.set(output, step * n_outputs);
      record.spikes.push(spikes);
      record.counts.push(counts);
      record.additions.push(additions);
      const scores = conv.scores(record, settings, step + 1);
      record.scores.push(scores);
      record.largest = Math.max(record.largest, ...scores.map(Math.abs));
      const until = step + 1 - delay(settings);
      const arrived = record.counts.slice(0, Math.max(0, until)).some((of) => of[n_layers - 1]);
      record.leaders.push(arrived ? scores.indexOf(Math.max(...scores)) : null);
      record.n_done = step + 1;
    };
    record.name = (place) => (place === null ? null : String(network.classes[place]));
    return record;
  }

  // The number of the step from which the decision stays what it is at the end.
  function settled_at({ leaders }) {
    const last = leaders[leaders.length - 1];
    let step = leaders.length;
    while (step > 0 && leaders[step - 1] === last) step--;
    return last === null ? null : step + 1;
  }

  const sum = (numbers) => numbers.reduce((a, b) => a + b, 0);
  const sum_of = (counts) => sum(Array.from(counts));

  // A picture of a layer: a tile for each channel, a pixel for each neuron.
  function make_map([rows, columns, channels]) {
    let across = Math.ceil(Math.sqrt(channels));
    while (channels % across && across * across < 4 * channels) across++;
    const canvas = make("canvas", { role: "img", class: "snnlib-map" });
    canvas.width = across * (columns + 1) - 1;
    canvas.height = Math.ceil(channels / across) * (rows + 1) - 1;
    const places = new Int32Array(rows * columns * channels);
    const empty = new Uint8ClampedArray(4 * canvas.width * canvas.height);
    for (let neuron = 0; neuron < places.length; neuron++) {
      const channel = neuron % channels;
      const at = Math.floor(neuron / channels);
      const x = (channel % across) * (columns + 1) + (at % columns);
      const y = Math.floor(channel / across) * (rows + 1) + Math.floor(at / columns);
      places[neuron] = 4 * (y * canvas.width + x);
      empty.set([128, 128, 128, 40], places[neuron]);
    }
    function draw(steps_of_spikes) {
      const picture = new ImageData(empty.slice(), canvas.width, canvas.height);
      const colour = getComputedStyle(canvas).color.match(/\d+/g).slice(0, 3).map(Number);
      steps_of_spikes.forEach(function (spikes, i) {
        const glow = 255 * Math.pow(FADE, steps_of_spikes.length - 1 - i);
        for (const neuron of spikes) picture.data.set([...colour, glow], places[neuron]);
      });
      canvas.getContext("2d").putImageData(picture, 0, 0);
    }
    return { canvas, draw };
  }

  function make_slider({ name, values, labels, start }, id, on_input) {
    const words = typeof values[start] === "string";
    const input = words
      ? make("select", { id }, ...labels.map((text, i) => make("option", { value: i }, text)))
      : make("input", { type: "range", id, min: 0, max: values.length - 1, step: 1 });
    const value = make("output", { for: id });
    const set = function (place) {
      input.value = place;
      value.textContent = labels[place];
      if (!words) input.setAttribute("aria-valuetext", labels[place]);
    };
    set(start);
    input.addEventListener("input", function () {
      set(input.value);
      on_input();
    });
    const label = make("label", { for: id }, make("code", {}, name));
    const as_text = (stop) => (stop === null ? "none" : String(stop));
    return {
      name, element: make("div", { class: "snnlib-control" }, label, input, words ? "" : value),
      value: () => values[input.value],
      set: (wanted) => set(values.indexOf(wanted)),
      // What is no stop of it, as an address may say, leaves it at its start.
      type: function (text) {
        const found = values.findIndex((stop) => as_text(stop) === text);
        set(found < 0 ? start : found);
      },
      reset: () => set(start),
      is_at_start: () => Number(input.value) === start,
    };
  }

  function make_button(text, on_click) {
    const button = make("button", { type: "button" }, text);
    button.addEventListener("click", on_click);
    return button;
  }

  // The images that came with the page, a byte a pixel.
  function read_images(text, n_pixels) {
    const bytes = Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
    return Array.from({ length: bytes.length / n_pixels }, (_, i) =>
      Float32Array.from(bytes.subarray(i * n_pixels, (i + 1) * n_pixels), (b) => b / 255)
    );
  }

  function mount(id, description) {
    const root = document.getElementById(id);
    const { networks, presets, size, box } = description;
    const images = read_images(description.images, size * size);
    const workers = new Map();
    let image = null;
    let label = null;
    let weights = 0; // the network that is shown, by its place
    let record = null;
    let shown = -1; // the step that is shown
    let playing = false;
    let drawing = 0;
    let number = 0; // of the run

    // Where the reader draws, and digits to take instead.
    const canvas = make("canvas", {
      class: "snnlib-pad", width: 448, height: 448, role: "img",
      "aria-label": "Draw a digit here with mouse, finger or pen",
    });
    const drawn = pad.make_pad(canvas, function (strokes) {
      for (const pick of picks) pick.checked = false;
      take(pad.to_image(strokes, size, box), null);
    });
    const clear = make_button("Clear", function () {
      for (const pick of picks) pick.checked = false;
      drawn.show(null);
      take(null, null);
    });
    const picks = images.map((_, i) => make("input", {
      type: "radio", name: `${id}-pick`, value: i,
      "aria-label": `test digit ${i + 1}, a ${description.labels[i]}`,
    }));
    const picture = { width: size, height: size, "aria-hidden": "true" };
    const thumbs = images.map(() => make("canvas", picture));
    picks.forEach((pick, i) => pick.addEventListener("change", () => choose(i)));
    const picker = make(
      "fieldset", { class: "snnlib-picks" }, make("legend", {}, "Or take a test digit"),
      ...picks.map((pick, i) => make("label", {}, pick, thumbs[i]))
    );

    // The race of the outputs.
    const decision = make("p", { class: "snnlib-decision", "data-readout": "decision" });
    const verdict = make("p", {});
    const bars = networks[0].classes.map(function (name) {
      const bar = make("span", { class: "snnlib-runner" });
      const track = make("span", { class: "snnlib-track" }, bar);
      return { bar, row: make("div", {}, make("span", {}, String(name)), track) };
    });
    const race = make("div", { class: "snnlib-race", role: "img" }, ...bars.map((b) => b.row));

    // The maps, made anew for a network of another shape.
    const seen = make("canvas", { class: "snnlib-seen", ...picture });
    const maps = make("div", { class: "snnlib-maps" });
    let layers = [];
    function lay_out(network) {
      const plans = conv.plan(network).slice(0, -1);
      layers = plans.map(function ({ shape }, i) {
        const caption = make("span", {});
        const map = make_map(shape);
        const place = make("div", {}, map.canvas, caption);
        spread(place, map.canvas);
        const n_neurons = shape.reduce((a, b) => a * b);
        return { ...map, caption, place, title: `layer ${i + 1}`, n_neurons };
      });
      const first = make("div", {}, seen, make("span", {}, "what it sees"));
      spread(first, seen);
      maps.replaceChildren(first, ...layers.map((layer) => layer.place));
    }

    // Pictures in a row are of one height.
    function spread(place, { width, height }) {
      place.style.flex = `${width / height} 1 ${(5.5 * width) / height}rem`;
    }

    // Time: a slider over the steps, and who leads in each.
    const time = make("input", { type: "range", id: `${id}-step`, min: 1, value: 1, step: 1 });
    const strip = make("div", { class: "snnlib-strip", "aria-hidden": "true" });
    const play = make_button("Play", () => (playing ? pause() : start_playing()));
    play.className = "snnlib-play";
    const forward = make_button("Step", function () {
      pause();
      if (record) show((shown + 1) % record.n_done);
    });
    const speed = make("select", { id: `${id}-speed` });
    for (const name in SPEEDS) speed.append(make("option", {}, name));
    speed.value = "normal";
    time.addEventListener("input", function () {
      pause();
      if (record && record.n_done) show(Math.min(time.value, record.n_done) - 1);
    });

    // Settings.
    const controls = description.controls.map((control) =>
      make_slider(control, `${id}-${control.name}`, () => move(false))
    );
    // In an address, the network stands as one of them.
    const held = [...controls, {
      name: "network",
      value: () => weights,
      type: (text) => { weights = text in networks ? Number(text) : 0; },
      reset: () => { weights = 0; },
      is_at_start: () => weights === 0,
    }];
    let keeping;
    const chosen = presets.map((preset) => make_button(preset.name, () => set_preset(preset)));
    const start = { values: description.start, network: 0 };
    const reset = make_button("Reset", () => set_preset(start));
    const refusal = make("p", { class: "snnlib-refusal", hidden: "" });
    const spoken = make("p", { class: "snnlib-spoken", role: "status" });
    const numbers = {};
    const readouts = make("dl", { class: "snnlib-readouts" });
    for (const readout of description.readouts) {
      numbers[readout.name] = make("dd", { "data-readout": readout.name });
      readouts.append(make("div", {}, make("dt", {}, readout.label), numbers[readout.name]));
    }

    const sliders = controls.filter(({ name }) => description.sliders.includes(name));
    root.querySelector(".snnlib-stage").replaceChildren(
      make("div", { class: "snnlib-digit-top" },
        canvas,
        make("div", { class: "snnlib-digit-race" },
          make("div", { class: "snnlib-verdict" }, decision, verdict, clear), race)),
      images.length ? picker : "",
      maps,
      make("div", { class: "snnlib-time" },
        make("label", { for: time.id }, "step"), make("div", {}, time, strip)),
      make("div", { class: "snnlib-buttons" },
        make("div", {}, play, forward, make("label", { for: speed.id }, "speed"), speed),
        make("div", { role: "group", "aria-label": "Presets" }, ...chosen, reset)),
      refusal,
      make("div", { class: "snnlib-controls" }, ...sliders.map((slider) => slider.element)),
      readouts, spoken
    );
    // Else JupyterLab takes arrow keys and Enter for its own.
    for (const part of root.querySelectorAll("input, select, button, summary")) {
      part.setAttribute("data-lm-suppress-shortcuts", "true");
    }

    function values() {
      return Object.fromEntries(controls.map((control) => [control.name, control.value()]));
    }

    function set_preset(preset) {
      for (const control of controls) control.set(preset.values[control.name]);
      weights = preset.network;
      move(true);
    }

    // The address holds the settings, once they rest; it does not hold the digit.
    function move(from_start) {
      change(from_start);
      clearTimeout(keeping);
      keeping = setTimeout(() => state.keep(state.address_of(id, held)), 500);
    }

    function go_to(target, anchor) {
      state.go_to(target, held);
      move(true);
      if (!root.contains(anchor)) root.scrollIntoView();
    }

    function mark_preset() {
      const now = JSON.stringify(values());
      presets.forEach(function (preset, i) {
        const is_on = preset.network === weights && JSON.stringify(preset.values) === now;
        chosen[i].setAttribute("aria-pressed", is_on);
      });
    }

    function choose(i) {
      picks[i].checked = true;
      drawn.show(images[i]);
      take(images[i], String(description.labels[i]));
    }

    function take(new_image, new_label) {
      image = new_image;
      label = new_label;
      change(true);
    }

    // Run the network anew, and play from its first step, or look at its last.
    function change(from_start) {
      mark_preset();
      pause();
      number++;
      root.removeAttribute("aria-busy");
      const network = networks[weights];
      const own = { ...network.settings, ...values() };
      const settings = {
        ...own, n_steps: lif.step_count(own.presentation_time, own.dt), keep_spikes: true,
      };
      const refused = lif.refusal(settings, settings.dt, description.owner);
      refuse(refused);
      if (refused) return;
      if (!record || record.network !== network) lay_out(network);
      record = start_record(network, settings);
      shown = -1;
      time.max = record.n_steps;
      request_draw();
      if (image) run(number, record, from_start);
    }

    function refuse(why) {
      refusal.hidden = !why;
      refusal.textContent = why || "";
      root.classList.toggle("refused", Boolean(why));
    }

    async function run(mine, record, from_start) {
      const began = performance.now();
      root.setAttribute("aria-busy", "true");
      root.removeAttribute("data-run-ms");
      try {
        const engine = await engine_of(record.network);
        if (mine !== number) return;
        const goes_on = engine.run(image, record.settings, function (brought) {
          if (mine !== number) return;
          record.add(brought);
          if (!from_start || STILL.matches) show(brought.step);
          else if (brought.step === 0) start_playing();
        });
        const result = await goes_on;
        if (!result || mine !== number) return;
        record.multiplications = result.multiplications;
        record.is_done = true;
        root.setAttribute("data-run-ms", performance.now() - began);
        root.removeAttribute("aria-busy");
        request_draw();
        announce();
      } catch (error) {
        if (mine === number) refuse(`The network cannot run here. ${error.message}`);
      }
    }

    function engine_of(network) {
      if (!workers.has(network.name)) {
        const started = encoded(network.name).then(worker.start);
        started.catch(() => workers.delete(network.name));
        workers.set(network.name, started);
      }
      return workers.get(network.name);
    }

    function announce() {
      const name = record.name(record.leaders[record.n_steps - 1]);
      spoken.textContent = name === null
        ? `Nothing arrives in ${record.n_steps} steps.`
        : `It says ${name}, settled at step ${settled_at(record)} of ${record.n_steps}; ` +
          `${in_words(sum(record.counts.map(sum_of)))} spikes.`;
    }

    function start_playing() {
      if (!record || !record.n_done) return;
      playing = true;
      play.textContent = "Pause";
      if (shown < 0 || shown >= record.n_steps - 1) show(0);
      let last = performance.now();
      requestAnimationFrame(function tick(now) {
        if (!playing) return;
        const due = Math.floor(Math.max(0, now - last) * SPEEDS[speed.value] / 1000);
        if (due) {
          last = now;
          show(Math.min(shown + due, record.n_done - 1));
        }
        if (shown >= record.n_steps - 1) pause();
        else requestAnimationFrame(tick);
      });
    }

    function pause() {
      playing = false;
      play.textContent = "Play";
    }

    function show(step) {
      shown = step;
      request_draw();
    }

    // Once a frame, however many steps come in it.
    function request_draw() {
      if (!drawing) drawing = requestAnimationFrame(draw_all);
    }

    // Everything that depends on the step.
    function draw_all() {
      drawing = 0;
      const { n_steps, n_done, is_done } = record;
      const has_step = shown >= 0;
      const scores = has_step ? record.scores[shown] : null;
      const leader = has_step ? record.leaders[shown] : null;
      time.value = shown + 1;
      time.disabled = play.disabled = forward.disabled = !n_done;

      bars.forEach(function ({ bar, row }, i) {
        // The line of zero stands in the middle.
        const share = scores ? scores[i] / record.largest : 0;
        bar.style.left = `${50 * (1 + Math.min(0, share))}%`;
        bar.style.width = `${50 * Math.abs(share)}%`;
        row.classList.toggle("leads", i === leader);
      });
      const name = record.name(leader);
      decision.textContent = name === null ? "–" : name;
      decision.setAttribute("data-value", name === null ? "none" : name);
      verdict.textContent = in_short(name);
      const leads = name === null ? "no spike has arrived" : `${name} leads`;
      race.setAttribute(
        "aria-label", has_step ? `Outputs in step ${shown + 1}: ${leads}` : "Outputs: none yet"
      );
      time.setAttribute("aria-valuetext", `step ${shown + 1} of ${n_steps}: ${leads}`);

      const from = Math.max(0, shown - GLOW + 1);
      const recent = record.spikes.slice(from, shown + 1);
      const past = record.counts.slice(0, shown + 1);
      layers.forEach(function (layer, i) {
        layer.draw(recent.map((step) => step[i]));
        const n_now = has_step ? past[shown][i] : 0;
        const n_all = sum(past.map((counts) => counts[i]));
        layer.caption.textContent = `${layer.title}: ${in_words(n_all)}\u00a0spikes`;
        layer.canvas.setAttribute(
          "aria-label",
          `Spikes of ${layer.title} in step ${shown + 1}: ${in_words(n_now)} of ` +
            `${in_words(layer.n_neurons)} neurons`
        );
      });
      const context = seen.getContext("2d");
      context.clearRect(0, 0, size, size);
      context.fillStyle = getComputedStyle(seen).color;
      if (image) pad.paint(context, image, size);

      draw_strip();
      const settled = is_done ? settled_at(record) : null;
      if (settled === null) write("settled", "none", "–");
      else write("settled", settled, `${settled} of ${n_steps}`);
      write("spikes", sum(past.map(sum_of)));
      write("additions", sum(record.additions.slice(0, shown + 1)));
      write("multiplications", record.multiplications);
      write("dense", sum(record.plans.map(conv.dense)));
    }

    function write(name, number, text = in_words(number)) {
      numbers[name].textContent = text;
      numbers[name].setAttribute("data-value", number);
    }

    function in_short(name) {
      const { n_steps, is_done } = record;
      if (!image) return "Draw a digit.";
      if (shown < 0) return "It runs.";
      if (shown < n_steps - 1 || !is_done) {
        return name === null
          ? "No spike has arrived yet." : `leads after ${shown + 1} of ${n_steps} steps`;
      }
      if (name === null) return `No spike arrives in ${n_steps} steps.`;
      const about = name === label ? ", and right" : `, but it is a ${label}`;
      const right = label === null ? "" : about;
      return `settled at step ${settled_at(record)} of ${n_steps}${right}`;
    }

    // Who leads in which steps, as one piece each, and where the slider stands.
    function draw_strip() {
      const { leaders, n_steps } = record;
      const pieces = [];
      for (let step = 0; step < n_steps; step++) {
        const name = step < leaders.length ? record.name(leaders[step]) : undefined;
        const last = pieces[pieces.length - 1];
        if (last && last.name === name) last.n++;
        else pieces.push({ name, n: 1 });
      }
      const end = record.is_done ? pieces[pieces.length - 1] : null;
      strip.replaceChildren(
        ...pieces.map(function (piece) {
          const kind = piece === end && piece.name !== null ? "settled" : "";
          const text = piece.name === null ? "–" : piece.name || "";
          const made = make("span", { class: kind }, text);
          made.style.flexGrow = piece.n;
          return made;
        }),
        make("i", { style: `left: ${(100 * (shown + 0.5)) / n_steps}%` })
      );
    }

    function recolour() {
      drawn.draw();
      thumbs.forEach(function (thumb, i) {
        const context = thumb.getContext("2d");
        context.clearRect(0, 0, size, size);
        context.fillStyle = getComputedStyle(thumb).color;
        pad.paint(context, images[i], size);
      });
      draw_all();
    }

    change(true);
    recolour();
    const themes = new MutationObserver(recolour);
    for (const part of [document.documentElement, document.body]) {
      themes.observe(part, { attributeFilter: ["data-theme", "data-jp-theme-light"] });
    }
    // Nothing is loaded and nothing runs before the reader comes near.
    const near = new IntersectionObserver(function (entries) {
      if (!entries.some((entry) => entry.isIntersecting)) return;
      near.disconnect();
      if (!image && images.length) choose(description.first);
    }, { rootMargin: "100px" });
    near.observe(root);
    state.follow(id, go_to);
    root.snnlib = {
      values: values,
      // What was computed last, for tests.
      record: () => record,
      image: () => image,
    };
  }

  return { mount };
})(snnlib.lif, snnlib.conv, snnlib.worker, snnlib.pad, snnlib.state);
