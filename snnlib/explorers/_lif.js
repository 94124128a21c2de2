// One neuron under a constant input for a second: what `_lif.py` computes with Nengo.

snnlib.views.lif = (function (lif, shared) {
  "use strict";
  const { of_neuron, times } = shared;
  // Level and ripple are rates, in Hz, where a spike counts 1.
  const LEVELS = { target: "", mean: "", last: "", ripple: "" };

  return of_neuron(function ({ synapse, input }, neuron, { dt }) {
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
      units: amplitude === 1 ? {} : LEVELS,
    };
  });
})(snnlib.lif, snnlib.shared);
