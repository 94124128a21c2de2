// What regressor and classifier have in common: what `_ensemble.py` does with them.

snnlib.shared.fit_and_simulate = (function (lif, shared) {
  "use strict";

  // Fit an ensemble to the training rows and show it all rows. Rows of the same drive
  // are simulated once.
  return function ({ presentation_time, synapse, readout }, neuron, data) {
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
    return { rows: rows, time: shared.times(n_steps, dt) };
  };
})(snnlib.lif, snnlib.shared);
