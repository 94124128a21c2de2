// A trained spiking conv net in the page, simulated spike by spike as snnlib.events
// does it, with the neurons of lif.js.
//
// A silent neuron costs nothing downstream: each spike adds its weights to the layer
// after it, and the image becomes a current once. It knows nothing of the page, and
// runs in a worker too. Where Python computes at single precision, so does this.

snnlib.conv = (function (lif) {
  "use strict";

  const GOLDEN = (Math.sqrt(5) - 1) / 2;
  const WINDOW = [[1 / 8, 5 / 8], [7 / 8, 3 / 8]];

  // snnlib.parse_architecture, for what Python has taken already.
  function parse_architecture(architecture) {
    return architecture.split("-").map(function (part) {
      const [first, second, third] = part.match(/\d+/g).map(Number);
      if (part.startsWith("AP")) return { pool: first };
      if (!part.includes("C")) return { units: first };
      return { units: first, kernel_size: second, strides: third || 1 };
    });
  }

  // Where each layer of a network stands, without its weights: the shape of what comes
  // to it and of what it gives, its pool, window and strides; the read-out is the last.
  function plan(encoded) {
    const layers = [...parse_architecture(encoded.architecture), null];
    let source = encoded.image_shape;
    let pool = 1;
    const plans = [];
    for (const layer of layers) {
      if (layer && layer.pool) {
        // Pools in a row are one pool of the product of their sizes.
        pool *= layer.pool;
        continue;
      }
      const sides = [Math.floor(source[0] / pool), Math.floor(source[1] / pool)];
      const window = layer && layer.kernel_size ? Array(2).fill(layer.kernel_size) : sides;
      const strides = (layer && layer.strides) || 1;
      const n_channels = layer ? layer.units : encoded.classes.length;
      const shape = window.map((size, axis) =>
        Math.floor((sides[axis] - size) / strides) + 1
      );
      shape.push(n_channels);
      plans.push({ source, sides, pool, window, strides, shape });
      source = shape;
      pool = 1;
    }
    return plans;
  }

  // Multiplications of one pass through a layer whose every unit is computed.
  function dense({ source, window, shape }) {
    return shape.reduce((a, b) => a * b) * window[0] * window[1] * source[2];
  }

  // Make a network of what snnlib's encode_network wrote: its weights as 32-bit floats,
  // laid out so that a spike's weights stand in stretches. It holds no state and no
  // setting of a neuron, so one is enough for all runs.
  function load(encoded) {
    const plans = plan(encoded);
    const weights = decode(encoded.weights, plans);
    return {
      classes: encoded.classes,
      generator: encoded.generator,
      stages: plans.map((stage, i) => make_stage(stage, ...weights[i])),
      voltages: new Map(),
    };
  }

  // Kernel and bias of each layer: scales and biases first, then a byte a weight.
  function decode(text, plans) {
    const characters = atob(text);
    const bytes = new Uint8Array(characters.length);
    for (let i = 0; i < bytes.length; i++) bytes[i] = characters.charCodeAt(i);
    let at = 0;
    const floats = function (length) {
      at += 4 * length;
      return new Float32Array(bytes.buffer, at - 4 * length, length);
    };
    const pairs = plans.map(({ shape }) => [floats(shape[2]), floats(shape[2])]);
    return plans.map(function ({ window, source, shape }, i) {
      const [scales, bias] = pairs[i];
      const kernel = new Float32Array(window[0] * window[1] * source[2] * shape[2]);
      const whole = new Int8Array(bytes.buffer, at, kernel.length);
      at += kernel.length;
      for (let k = 0; k < kernel.length; k++) kernel[k] = whole[k] * scales[k % shape[2]];
      return [kernel, bias];
    });
  }

  function make_stage({ source, sides, pool, window, strides, shape }, kernel, bias) {
    const [n_rows, n_columns] = window;
    const [n_before, n_channels] = [source[2], shape[2]];
    const rows = spans(sides[0], n_rows, strides);
    const columns = spans(sides[1], n_columns, strides);
    const weights = new Float32Array(kernel.length);
    let to = 0;
    for (let channel = 0; channel < n_before; channel++) {
      for (const row of rows.taps) {
        for (const column of columns.taps) {
          const from = ((row * n_columns + column) * n_before + channel) * n_channels;
          weights.set(kernel.subarray(from, from + n_channels), to);
          to += n_channels;
        }
      }
    }
    return {
      weights: weights,
      // Weights of a channel before, one after the other.
      per_channel: n_rows * n_columns * n_channels,
      n_before: n_before,
      bias: bias,
      pool: pool,
      reach: reach(rows.spans, columns.spans, n_columns, shape, pool, source),
      // From one stretch to the next: neurons, weights.
      neuron_step: shape[1] * n_channels,
      weight_step: n_columns * n_channels,
      shape: shape,
    };
  }

  // For each input along an axis its first output, the tap that leads there, and how
  // many outputs follow; and the order of taps, in which theirs stand in a row.
  function spans(n_inputs, size, strides) {
    const taps = [];
    for (let s = 0; s < strides; s++) {
      const own = [];
      for (let tap = s; tap < size; tap += strides) own.unshift(tap);
      taps.push(...own);
    }
    const n_outputs = Math.floor((n_inputs - size) / strides) + 1;
    const found = [];
    for (let p = 0; p < n_inputs; p++) {
      const first = Math.max(0, -Math.floor((size - 1 - p) / strides));
      const last = Math.min(n_outputs - 1, Math.floor(p / strides));
      const is_seen = first <= last;
      found.push(
        is_seen ? [first, taps.indexOf(p - strides * first), last - first + 1] : [0, 0, 0]
      );
    }
    return { spans: found, taps: taps };
  }

  // Five numbers for each position: first neuron, first weight, stretches, their length,
  // and the place after the pool. What a pool leaves out has no stretch and no place.
  function reach(rows, columns, n_columns, shape, pool, source) {
    const n_channels = shape[2];
    const found = new Int32Array(5 * source[0] * source[1]);
    for (let y = 0, at = 0; y < source[0]; y++) {
      for (let x = 0; x < source[1]; x++, at += 5) {
        const [row, column] = [Math.floor(y / pool), Math.floor(x / pool)];
        if (row >= rows.length || column >= columns.length) {
          found[at + 4] = -1;
          continue;
        }
        const [down, across] = [rows[row], columns[column]];
        found[at] = (down[0] * shape[1] + across[0]) * n_channels;
        found[at + 1] = (down[1] * n_columns + across[1]) * n_channels;
        found[at + 2] = down[2];
        found[at + 3] = across[2] * n_channels;
        found[at + 4] = row * columns.length + column;
      }
    }
    return found;
  }

  // snnlib.networks.draw_voltage for all populations: "uniform" draws the numbers that
  // NumPy's default generator draws from the state that came with the network.
  function draw_voltages(network, initial_voltage) {
    const { stages, voltages, generator } = network;
    if (!voltages.has(initial_voltage)) {
      const draw = initial_voltage === "uniform" ? pcg64(generator) : null;
      voltages.set(initial_voltage, stages.slice(0, -1).map(function ({ shape }) {
        const voltage = new Float32Array(shape[0] * shape[1] * shape[2]);
        if (draw) return voltage.map(draw);
        if (initial_voltage === "dither") dither(voltage, shape);
        return voltage;
      }));
    }
    return voltages.get(initial_voltage);
  }

  function dither(voltage, shape) {
    let i = 0;
    for (let row = 0; row < shape[0]; row++) {
      for (let column = 0; column < shape[1]; column++) {
        for (let channel = 0; channel < shape[2]; channel++) {
          voltage[i++] = (WINDOW[row % 2][column % 2] + channel * GOLDEN) % 1;
        }
      }
    }
  }

  // NumPy's PCG64 from a state of 128 bits: doubles in [0, 1).
  function pcg64({ state, inc }) {
    const multiplier = 0x2360ed051fc65da44385df649fccf645n;
    const added = BigInt(inc);
    let now = BigInt(state);
    return function () {
      now = BigInt.asUintN(128, now * multiplier + added);
      const mixed = BigInt.asUintN(64, (now >> 64n) ^ now);
      const turn = now >> 122n;
      const turned = BigInt.asUintN(64, (mixed >> turn) | (mixed << (64n - turn)));
      return Number(turned >> 11n) / 9007199254740992;
    };
  }

  // Show a network an image for so many steps. Settings are those of the neuron, dt,
  // n_steps, initial_voltage, layer_synapse and keep_spikes. Returns the unfiltered
  // read-out, the spikes of each layer and the additions of weights that they led to,
  // step by step, and the neurons that spiked if asked for; and the multiplications that
  // made a current of the image, once. `on_step` is called after each step with what
  // that step brought.
  function simulate(network, image, settings, on_step) {
    const run = start(network, image, settings);
    for (let step = 0; step < settings.n_steps; step++) {
      const brought = run.step();
      if (on_step) on_step(brought);
    }
    return run.result;
  }

  // The same, for who wants to do something else between two steps.
  function start(network, image, settings) {
    const { dt, n_steps, layer_synapse = null, keep_spikes = false } = settings;
    const neuron = lif.constants(settings, dt);
    const kept = layer_synapse ? Math.exp(-dt / layer_synapse) : 0;
    const keep = Math.fround(kept);
    const height = ((1 - kept) * settings.amplitude) / dt;
    const all = populations(network, settings, height);
    const [layers, read_out] = [all.slice(0, -1), all[all.length - 1]];
    const [n_layers, n_outputs] = [layers.length, read_out.constant.length];
    const output = new Float32Array(n_steps * n_outputs);
    const counts = new Int32Array(n_steps * n_layers);
    const additions = new Int32Array(n_steps);
    const spikes = layers.map(() => []);
    let now = 0;
    const multiplications = add_image(layers[0], image);

    function step() {
      const first = now * n_layers;
      let before = null;
      for (let n = 0; n < n_layers; n++) {
        const layer = layers[n];
        if (before && !layer_synapse) additions[now] += add_spikes(layer, before);
        lif.step_population(layer, neuron);
        if (before) pass_on(before, layer);
        counts[first + n] = layer.n_listed;
        if (keep_spikes) spikes[n].push(layer.listed.slice(0, layer.n_listed));
        before = layer;
      }
      if (!layer_synapse) additions[now] += add_spikes(read_out, before);
      for (let i = 0; i < n_outputs; i++) {
        const sum = read_out.constant[i] + read_out.scale * read_out.signal[i];
        output[now * n_outputs + i] = sum;
      }
      pass_on(before, read_out);
      now++;
      return {
        step: now - 1,
        output: output.slice((now - 1) * n_outputs, now * n_outputs),
        counts: counts.slice(first, first + n_layers),
        additions: additions[now - 1],
        spikes: spikes.map((of_layer) => of_layer[now - 1]),
      };
    }

    // What a synapse between layers does at the end of a step: it forgets, and takes in
    // what it will pass on a step later. Without one, nothing stays.
    function pass_on(before, layer) {
      const { signal } = layer;
      if (!layer_synapse) {
        signal.fill(0);
        return;
      }
      for (let i = 0; i < signal.length; i++) signal[i] *= keep;
      additions[now] += add_spikes(layer, before);
    }

    const result = { output, counts, additions, multiplications, spikes };
    return { step, result: { ...result, n_steps, n_outputs, n_layers } };
  }

  // The populations, and the read-out as one that never spikes, before the first step.
  // A pixel counts as it is; a spike between layers has a height.
  function populations(network, settings, height) {
    const { gain, bias } = lif.gain_bias(settings);
    const voltages = draw_voltages(network, settings.initial_voltage || "zero");
    return network.stages.map(function (stage, n) {
      // J = gain x + bias, but for the read-out, which has no neurons.
      const [slope, offset] = n < voltages.length ? [gain, bias] : [1, 0];
      const scale = Math.fround((slope * (n ? height : 1)) / stage.pool ** 2);
      const { shape } = stage;
      const constant = new Float32Array(shape[1] * shape[2]);
      for (let i = 0; i < constant.length; i++) {
        constant[i] = slope * stage.bias[i % shape[2]] + offset;
      }
      const voltage = voltages[n] || new Float32Array(constant.length);
      return { ...lif.population(voltage, constant, scale), stage: stage };
    });
  }

  // Add each pixel's weights, times its grey, to the signals it reaches. Returns how
  // many weights these were; so does add_spikes.
  function add_image({ stage, signal }, image) {
    const { n_before, per_channel, weights, reach, neuron_step, weight_step } = stage;
    let n_weights = 0;
    for (let i = 0; i < image.length; i++) {
      const grey = Math.fround(image[i]);
      if (grey === 0) continue;
      const at = 5 * Math.floor(i / n_before);
      n_weights += reach[at + 2] * reach[at + 3];
      let neuron = reach[at];
      let weight = (i % n_before) * per_channel + reach[at + 1];
      for (let n = 0; n < reach[at + 2]; n++) {
        for (let k = 0; k < reach[at + 3]; k++) {
          signal[neuron + k] += grey * weights[weight + k];
        }
        neuron += neuron_step;
        weight += weight_step;
      }
    }
    return n_weights;
  }

  // Add each spike's weights to the signals of the neurons it reaches. Spikes of one
  // place come one after the other; four of them at a time touch the signal once.
  function add_spikes({ stage, signal }, { listed, n_listed }) {
    const { n_before, per_channel, weights, reach, neuron_step, weight_step } = stage;
    let n_weights = 0;
    let i = 0;
    while (i < n_listed) {
      const position = (listed[i] / n_before) | 0;
      const at = 5 * position;
      const place = reach[at + 4];
      const first = reach[at + 1];
      let n_alike = 1;
      while (
        n_alike < 4 && i + n_alike < n_listed &&
        reach[5 * ((listed[i + n_alike] / n_before) | 0) + 4] === place
      ) n_alike++;
      const n_each = reach[at + 2] * reach[at + 3];
      if (n_alike === 4) {
        n_weights += 4 * n_each;
        add_four(
          signal, reach[at], neuron_step, weights,
          (listed[i] % n_before) * per_channel + first,
          (listed[i + 1] % n_before) * per_channel + first,
          (listed[i + 2] % n_before) * per_channel + first,
          (listed[i + 3] % n_before) * per_channel + first,
          weight_step, reach[at + 2], reach[at + 3]
        );
        i += 4;
      } else {
        n_weights += n_each;
        add_one(
          signal, reach[at], neuron_step, weights,
          (listed[i] % n_before) * per_channel + first,
          weight_step, reach[at + 2], reach[at + 3]
        );
        i++;
      }
    }
    return n_weights;
  }

  function add_one(signal, neuron, neuron_step, weights, a, weight_step, rows, length) {
    for (let n = 0; n < rows; n++) {
      for (let k = 0; k < length; k++) signal[neuron + k] += weights[a + k];
      neuron += neuron_step;
      a += weight_step;
    }
  }

  function add_four(
    signal, neuron, neuron_step, weights, a, b, c, d, weight_step, rows, length
  ) {
    const single = Math.fround;
    for (let n = 0; n < rows; n++) {
      for (let k = 0; k < length; k++) {
        const left = single(weights[a + k] + weights[b + k]);
        const right = single(weights[c + k] + weights[d + k]);
        signal[neuron + k] += single(left + right);
      }
      neuron += neuron_step;
      a += weight_step;
      b += weight_step;
      c += weight_step;
      d += weight_step;
    }
  }

  // One score a class: each output filtered and read out, as the classifier decides
  // after so many steps.
  function scores(run, { synapse, readout, dt }, n_steps = run.n_steps) {
    return Array.from({ length: run.n_outputs }, function (_, i) {
      const signal = new Float64Array(n_steps);
      for (let step = 0; step < n_steps; step++) {
        signal[step] = run.output[step * run.n_outputs + i];
      }
      return lif.read_out(lif.lowpass(signal, synapse, dt), readout);
    });
  }

  return { plan, dense, load, start, simulate, scores };
})(snnlib.lif);
