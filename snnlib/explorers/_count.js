// Spikes of one neuron in a few steps: what `_count.py` computes by a formula, step by
// step.

snnlib.views.count = (function (lif, shared) {
  "use strict";
  const { of_neuron } = shared;
  const INPUTS = Array.from({ length: 281 }, (_, i) => (i - 40) / 200);
  const SPREAD = Array.from({ length: 16 }, (_, i) => (i + 0.5) / 16);

  return of_neuron(function ({ steps, voltage, input }, neuron, { dt }) {
    const { gain, bias } = lif.gain_bias(neuron);
    const count = (x, start) =>
      lif.simulate(gain * x + bias, steps, dt, neuron, start).spikes.length;
    const inputs = [...INPUTS, input];
    const promised = inputs.map((x) => steps * dt * lif.rate(gain * x + bias, neuron));
    const one = inputs.map((x) => count(x, voltage));
    const many = inputs.map((x) => lif.mean(SPREAD.map((start) => count(x, start))));
    const last = INPUTS.length;
    const off = (counts) => INPUTS.map((_, i) => counts[i] - promised[i]);
    const per_step = (counts) => INPUTS.map((_, i) => counts[i] / steps);
    const largest = (errors) => Math.max(...errors.map(Math.abs));
    return {
      series: {
        "counts.promised": { x: INPUTS, y: per_step(promised) },
        "counts.one": { x: INPUTS, y: per_step(one) },
        "counts.many": { x: INPUTS, y: per_step(many) },
        "errors.none": { x: [], y: [0] },
        "errors.one": { x: INPUTS, y: off(one) },
        "errors.many": { x: INPUTS, y: off(many) },
      },
      readouts: {
        promised: promised[last],
        count: one[last],
        mean: many[last],
        worst: largest(off(one)),
        worst_mean: largest(off(many)),
      },
    };
  });
})(snnlib.lif, snnlib.shared);
