// A regressor over its training rows: what `_regression.py` computes.

snnlib.views.regression = (function (lif, shared) {
  "use strict";
  const { of_neuron, fit_and_simulate } = shared;

  // 100 times the mean squared error relative to the target.
  function mspe(targets, predictions) {
    return 100 * lif.mean(targets.map((y, i) => Math.pow((y - predictions[i]) / y, 2)));
  }

  return of_neuron(function (values, neuron, data) {
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
  });
})(snnlib.lif, snnlib.shared);
