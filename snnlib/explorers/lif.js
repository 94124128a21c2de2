// The LIF neuron, its synapse and its decoders, as Nengo and snnlib compute them.
//
// All explorers of the book use this file and no other model. It knows nothing of the
// page, and runs in a worker too. Names and units are those of the Python package:
// times in seconds, rates in Hz, a synapse of null is no filter. A neuron is an object
// of the settings of snnlib's Lif: max_rate, intercept, tau_rc, tau_ref, amplitude and
// min_voltage.

var snnlib = globalThis.snnlib || {};

snnlib.lif = (function () {
  "use strict";

  // nengo.LIF.gain_bias: the neuron begins to fire at `intercept`, and fires at
  // `max_rate` at an input of 1.
  function gain_bias({ max_rate, intercept, tau_rc, tau_ref }) {
    const x = 1 / (1 - Math.exp((tau_ref - 1 / max_rate) / tau_rc));
    const gain = (1 - x) / (intercept - 1);
    return { gain: gain, bias: 1 - gain * intercept };
  }

  // nengo.LIFRate: r(J) = 1 / (tau_ref + tau_rc log(1 + 1 / (J - 1))) for J > 1.
  function rate(current, { tau_rc, tau_ref }) {
    if (!(current > 1)) return 0;
    return 1 / (tau_ref + tau_rc * Math.log1p(1 / (current - 1)));
  }

  // What Lif.check says of settings that no neuron can meet in steps of dt; null where
  // one can.
  function refusal(neuron, dt, owner) {
    const { max_rate, intercept, tau_rc, tau_ref } = neuron;
    const { gain, bias } = gain_bias(neuron);
    const rate_at_1 = rate(gain + bias, neuron);
    let must;
    if (tau_ref > 0 && max_rate * tau_ref >= 1) {
      must = `must be below 1 / tau_ref = ${general(1 / tau_ref, 6)} Hz, the rate of a ` +
        "neuron that never waits";
    } else if (max_rate * dt > 1) {
      must = `must be at most 1 / dt = ${general(1 / dt, 6)} Hz, a spike in every step`;
    } else if (!(Math.abs(rate_at_1 - max_rate) <= 0.01 * max_rate)) {
      must = `does not go with tau_rc=${repr(tau_rc)} s and intercept=${repr(intercept)}` +
        `: rounding makes a neuron fire at ${general(rate_at_1, 3)} Hz at an input of 1`;
    } else {
      return null;
    }
    return `The 'max_rate' parameter of ${owner} ${must}. Got ${repr(max_rate)} instead.`;
  }

  // A float as Python writes it: by repr, or to so many digits by the format "g".
  function repr(number) {
    const text = with_exponent(number, 16);
    return /^-?\d+$/.test(text) ? text + ".0" : text;
  }

  function general(number, digits) {
    return with_exponent(Number(number.toPrecision(digits)), digits);
  }

  function with_exponent(number, places) {
    const size = Math.abs(number);
    if (size === 0 || (size >= 1e-4 && size < Math.pow(10, places))) return String(number);
    return number.toExponential().replace(/\d+$/, (power) => power.padStart(2, "0"));
  }

  // As round() does it in Python, where halves go to the even number.
  function step_count(presentation_time, dt) {
    const n_steps = presentation_time / dt;
    const above = Math.round(n_steps);
    return above - n_steps === 0.5 && above % 2 ? above - 1 : above;
  }

  // nengo.LIF.step under a constant current. Exact within a step: the voltage moves
  // towards the current exponentially, a spike's moment inside the step is solved for,
  // and the refractory period is counted from that moment. Returns the step number of
  // each spike, and the voltage after each step if asked for.
  function simulate(current, n_steps, dt, neuron, voltage = 0, keep_voltage = false) {
    const { tau_rc, tau_ref, min_voltage = 0 } = neuron;
    const whole_step = -Math.expm1(-dt / tau_rc);
    const trace = keep_voltage ? new Float64Array(n_steps) : null;
    const spikes = [];
    let refractory = 0;
    for (let step = 0; step < n_steps; step++) {
      refractory -= dt;
      const awake = Math.min(Math.max(dt - refractory, 0), dt);
      const share = awake === dt ? whole_step : -Math.expm1(-awake / tau_rc);
      voltage += (current - voltage) * share;
      if (voltage > 1) {
        refractory = tau_ref + dt + tau_rc * Math.log1p(-(voltage - 1) / (current - 1));
        voltage = 0;
        spikes.push(step);
      } else if (voltage < min_voltage) {
        voltage = min_voltage;
      }
      if (keep_voltage) trace[step] = voltage;
    }
    return { spikes: spikes, voltage: trace };
  }

  // Many neurons under currents that change, as snnlib.events runs them: the same
  // neuron, at single precision, for that is what a trained network is simulated at.
  // Numbers are rounded where a processor that adds and multiplies in one go rounds.
  const single = Math.fround;

  // What all neurons of a population share.
  function constants({ tau_rc, tau_ref, min_voltage = 0 }, dt) {
    const step = single(dt);
    return {
      share: single(Math.expm1(single(-step / single(tau_rc)))),
      tau_rc: single(tau_rc), tau_ref: single(tau_ref), dt: step,
      floor: single(min_voltage),
    };
  }

  // Neurons at these voltages. A row of them has the currents `constant` of its own;
  // to these comes `scale` times the signal that each neuron receives.
  function population(voltage, constant, scale) {
    const size = voltage.length;
    // A byte says whether a neuron is above the threshold; four are asked at once.
    const words = new Uint32Array(Math.ceil(size / 4));
    return {
      voltage: Float32Array.from(voltage),
      signal: new Float32Array(size),
      constant: constant,
      scale: scale,
      words: words,
      above: new Uint8Array(words.buffer),
      // The neurons in their refractory period, and how long each still waits.
      waiting: new Int32Array(size),
      left: new Float32Array(size),
      n_waiting: 0,
      // The neurons that spiked in the last step, in order.
      listed: new Int32Array(size + 4),
      n_listed: 0,
    };
  }

  // Advance a population by a step, and list the neurons that spike in it.
  function step_population(neurons, { share, tau_rc, tau_ref, dt, floor }) {
    const { voltage, signal, constant, words, above, waiting, left, listed } = neurons;
    leak(voltage, signal, constant, neurons.scale, share, floor, above);
    let n_still = 0;
    for (let k = 0; k < neurons.n_waiting; k++) {
      const i = waiting[k];
      const rest = single(dt - left[k]);
      // The voltage moved from 0 for what the refractory period left of the step.
      let v = 0;
      if (rest > 0) {
        const moved = single(Math.expm1(single(-rest / tau_rc)));
        v = Math.max(single(-current_of(neurons, i) * moved), floor);
      }
      voltage[i] = v;
      above[i] = v > 1 ? 1 : 0;
      if (rest < 0) {
        waiting[n_still] = i;
        left[n_still++] = -rest;
      }
    }
    let n_listed = 0;
    for (let word = 0; word < words.length; word++) {
      if (words[word] === 0) continue;
      for (let i = 4 * word; i < 4 * word + 4; i++) {
        listed[n_listed] = i;
        n_listed += above[i];
      }
    }
    for (let k = 0; k < n_listed; k++) {
      const i = listed[k];
      // The spike came where the voltage crossed 1; what is left is refractory.
      const over = single(single(1 - voltage[i]) / single(current_of(neurons, i) - 1));
      const since = single(-tau_rc * single(Math.log1p(over)));
      voltage[i] = 0;
      if (since < tau_ref) {
        waiting[n_still] = i;
        left[n_still++] = tau_ref - since;
      }
    }
    neurons.n_waiting = n_still;
    neurons.n_listed = n_listed;
  }

  function current_of({ constant, scale, signal }, i) {
    return single(constant[i % constant.length] + scale * signal[i]);
  }

  // Move every voltage as if no neuron waited, and note which end above 1.
  function leak(voltage, signal, constant, scale, share, floor, above) {
    const row = constant.length;
    for (let start = 0; start < voltage.length; start += row) {
      for (let k = 0; k < row; k++) {
        const i = start + k;
        const v = voltage[i];
        const gap = single(v - single(constant[k] + scale * signal[i]));
        const moved = single(v + gap * share);
        voltage[i] = moved < floor ? floor : moved;
        above[i] = moved > 1 ? 1 : 0;
      }
    }
  }

  // Spikes of some neurons, weighted and summed: one value a step.
  function decode(spikes_of, weights, n_steps) {
    const signal = new Float64Array(n_steps);
    spikes_of.forEach(function (spikes, neuron) {
      for (const step of spikes) signal[step] += weights[neuron];
    });
    return signal;
  }

  // y[t] = a y[t-1] + (1 - a) u[t-1]: like every synapse of Nengo it passes its input
  // on one step later.
  function lowpass(signal, synapse, dt) {
    if (!synapse) return Float64Array.from(signal);
    const keep = Math.exp(-dt / synapse);
    const filtered = new Float64Array(signal.length);
    for (let step = 1; step < signal.length; step++) {
      filtered[step] = keep * filtered[step - 1] + (1 - keep) * signal[step - 1];
    }
    return filtered;
  }

  // One value of an output: its last step, or the mean of its second half or of all.
  function read_out(signal, readout) {
    if (readout === "last") return signal[signal.length - 1];
    let sum = 0;
    const first = readout === "overall" ? 0 : Math.floor(signal.length / 2);
    for (let step = first; step < signal.length; step++) sum += signal[step];
    return sum / (signal.length - first);
  }

  // Decoders by regularised least squares on rates, as SpikingRegressor solves for
  // them: rates[row][neuron], one target a row, a constant that is not penalised.
  function solve_decoders(rates, targets, reg) {
    const n_rows = rates.length;
    const n_neurons = rates[0].length;
    const largest = Math.max(...rates.map((row) => Math.max(...row)));
    const penalty = largest > 0 ? n_rows * Math.pow(reg * largest, 2) : 1;
    const means = rates[0].map((_, i) => mean(rates.map((row) => row[i])));
    const target_mean = mean(targets);
    const matrix = [];
    for (let i = 0; i < n_neurons; i++) {
      matrix.push(new Array(n_neurons + 1).fill(0));
      for (let row = 0; row < n_rows; row++) {
        const own = rates[row][i] - means[i];
        for (let j = 0; j < n_neurons; j++) {
          matrix[i][j] += own * (rates[row][j] - means[j]);
        }
        matrix[i][n_neurons] += own * (targets[row] - target_mean);
      }
      matrix[i][i] += penalty;
    }
    const decoders = solve(matrix);
    const constant = decoders.reduce((c, d, i) => c - d * means[i], target_mean);
    return { decoders: decoders, constant: constant };
  }

  // Gauss's elimination with pivoting; the right-hand side is the last column.
  function solve(matrix) {
    const n = matrix.length;
    for (let column = 0; column < n; column++) {
      let pivot = column;
      for (let row = column + 1; row < n; row++) {
        if (Math.abs(matrix[row][column]) > Math.abs(matrix[pivot][column])) pivot = row;
      }
      [matrix[column], matrix[pivot]] = [matrix[pivot], matrix[column]];
      if (matrix[column][column] === 0) continue;
      for (let row = column + 1; row < n; row++) {
        const factor = matrix[row][column] / matrix[column][column];
        for (let k = column; k <= n; k++) matrix[row][k] -= factor * matrix[column][k];
      }
    }
    const solution = new Array(n).fill(0);
    for (let row = n - 1; row >= 0; row--) {
      let rest = matrix[row][n];
      for (let k = row + 1; k < n; k++) rest -= matrix[row][k] * solution[k];
      solution[row] = matrix[row][row] === 0 ? 0 : rest / matrix[row][row];
    }
    return solution;
  }

  function mean(values) {
    return values.reduce((sum, value) => sum + value, 0) / values.length;
  }

  return {
    gain_bias, rate, refusal, step_count, simulate, constants, population,
    step_population, decode, lowpass, read_out, solve_decoders, mean,
  };
})();
