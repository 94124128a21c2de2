// What the page's face is made of, and what the views of explorers have in common.

// Each kind of explorer adds its own: a function of the values of its sliders and of
// its data, which returns series, read-outs and units, or a refusal.
snnlib.views = snnlib.views || {};

(function () {
  "use strict";

  snnlib.make = function (name, attributes, ...children) {
    const made = document.createElement(name);
    for (const key in attributes) made.setAttribute(key, attributes[key]);
    made.append(...children);
    return made;
  };

  snnlib.make_svg = function (name, attributes, text) {
    const made = document.createElementNS("http://www.w3.org/2000/svg", name);
    for (const key in attributes) made.setAttribute(key, attributes[key]);
    if (text !== undefined) made.textContent = text;
    return made;
  };

  function times(n_steps, dt) {
    return Array.from({ length: n_steps }, (_, step) => (step + 1) * dt);
  }

  // Give a view the neuron: what sliders set of it, and the rest as the data has it.
  function of_neuron(view) {
    return function (values, data) {
      const neuron = { ...data.neuron };
      for (const name in neuron) if (name in values) neuron[name] = values[name];
      const refusal = snnlib.lif.refusal(neuron, data.dt, data.owner);
      return refusal ? { refusal: refusal } : view(values, neuron, data);
    };
  }

  // A number as it stands in a view, with its unit.
  function show_number({ name, digits, unit }, { readouts, units }) {
    const of_view = units && name in units ? units[name] : unit;
    const number = readouts[name];
    // A word has no unit.
    if (typeof number === "string") return number;
    return `${number.toFixed(digits)} ${of_view}`.trim();
  }

  snnlib.shared = { times, of_neuron, show_number };
})();
