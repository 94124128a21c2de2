// What an image costs by every cost model: what `_energy.py` computes by
// `estimate_energy`, from the same counts and prices.

snnlib.views.energy = (function () {
  "use strict";
  const PICO = 1e-12;
  const MICRO = 1e-6;
  const APART = 0.17;

  // Joules of an image: yours first, then by every model.
  function energies({ macs, acs, dense, updates }, models, prices) {
    const ac = prices.addition + prices.access;
    const yours = PICO * ((prices.multiplication + ac) * macs + ac * acs);
    const published = Object.values(models).map(({ mac, ac, update, is_dense }) =>
      (is_dense ? mac * dense : mac * macs + ac * acs) + update * updates
    );
    return [yours, ...published];
  }

  function refuse(name, value, known, where) {
    if (known.includes(value)) return null;
    return `${name} must be one of ${known.join(", ")} at ${where}. Got ${value}.`;
  }

  return function ({ network, n_steps, model, max_rate, ...prices }, data) {
    const of_network = data.settings.filter((it) => it.network === network);
    const rates = [...new Set(of_network.map((it) => it.max_rate))];
    rates.sort((a, b) => a - b);
    const its = of_network.filter((it) => it.max_rate === max_rate);
    const steps = its.map((it) => it.n_steps);
    const where = `network=${network}`;
    const refusal = refuse("max_rate", max_rate, rates, where) ||
      refuse("n_steps", n_steps, steps, `${where} and max_rate=${max_rate}`);
    if (refusal) return { refusal: refusal };

    const at = 1 + Object.keys(data.models).indexOf(model);
    const here = steps.indexOf(n_steps);
    const twin = energies(data.twin, data.models, prices);
    const found = its.map((it) => energies(it, data.models, prices));
    const shares = found.map((all) => all.map((joules, i) => joules / twin[i]));
    const least = shares.map(([, ...published]) => Math.min(...published));
    const most = shares.map(([, ...published]) => Math.max(...published));
    const within = its.filter((_, i) => shares[i][at] <= 1);
    const last = within.length ? within[within.length - 1] : { n_steps: 0, spikes: 0 };
    const bands = twin.map((_, i) => twin.length - 1 - i);
    const micro = (all) => all.map((joules) => joules / MICRO);
    const of_model = shares.map((all) => all[at]);
    return {
      series: {
        "models.spiking": { x: micro(found[here]), y: bands.map((y) => y + APART) },
        "models.twin": { x: micro(twin), y: bands.map((y) => y - APART) },
        "steps.model": { x: steps, y: of_model },
        "steps.least": { x: steps, y: least },
        "steps.most": { x: steps, y: most },
        "steps.twin": { x: [], y: [1] },
        "steps.here": { x: [n_steps], y: [of_model[here]] },
      },
      readouts: {
        accuracy: 100 * its[here].accuracy,
        spikes: its[here].spikes,
        energy: found[here][at] / MICRO,
        twin: twin[at] / MICRO,
        share: of_model[here],
        cheaper: shares[here].slice(1).filter((share) => share < 1).length,
        least: least[here],
        most: most[here],
        break_even: last.n_steps,
        break_even_spikes: last.spikes,
      },
    };
  };
})();
