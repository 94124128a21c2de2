// A classifier over its training rows: what `_classification.py` computes.

snnlib.views.classification = (function (shared) {
  "use strict";
  const { of_neuron, fit_and_simulate } = shared;

  return of_neuron(function (values, neuron, data) {
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
  });
})(snnlib.shared);
