// Networks that run beside the page, in a worker, so that the page never waits.
//
// With lif.js and conv.js before it, this file is one script in the page. From a file, a
// page may start no worker by an address, and read no file. So the worker is given the
// text of this very script, and weights come as a script of their own, which sets
// snnlib.networks[name] and is loaded when it is asked for.

snnlib.networks = snnlib.networks || {};

snnlib.worker = (function (conv) {
  "use strict";

  // Time in milliseconds after which a run lets other messages in.
  const SLICE = 15;

  if (typeof document === "undefined") {
    listen();
    return null;
  }
  const source = document.currentScript.textContent;
  const loading = new Map();

  // In the worker: a network comes first, then images with their settings. A new image
  // ends the run of the one before it.
  function listen() {
    let network = null;
    let latest = 0;
    globalThis.onmessage = function ({ data }) {
      if (data.encoded) {
        network = conv.load(data.encoded);
        setTimeout(warm_up, 0, data.encoded);
        return;
      }
      latest = data.number;
      try {
        const run = conv.start(network, data.image, data.settings);
        go_on(run, data, 0);
      } catch (error) {
        postMessage({ number: data.number, error: String(error) });
      }
    };

    // The browser compiles what has run for a while: better before the first image.
    function warm_up({ image_shape, settings }) {
      if (latest) return;
      const grey = new Float32Array(image_shape.reduce((a, b) => a * b)).fill(0.5);
      conv.simulate(network, grey, { ...settings, n_steps: 10 });
    }

    function go_on(run, data, step) {
      if (data.number !== latest) return;
      const end = performance.now() + SLICE;
      while (step < data.settings.n_steps && performance.now() < end) {
        const brought = run.step();
        if (data.wants_steps) postMessage({ number: data.number, brought: brought });
        step++;
      }
      if (step < data.settings.n_steps) {
        setTimeout(go_on, 0, run, data, step);
        return;
      }
      const result = { ...run.result, scores: conv.scores(run.result, data.settings) };
      // The page was told of each step's spikes.
      if (data.wants_steps) delete result.spikes;
      postMessage({ number: data.number, result: result });
    }
  }

  // Load the script of a network's weights, once; resolves to what it registered.
  function load(name, address) {
    if (snnlib.networks[name]) return Promise.resolve(snnlib.networks[name]);
    if (!loading.has(name)) {
      loading.set(name, new Promise(function (resolve, reject) {
        const script = document.createElement("script");
        script.onload = () => resolve(snnlib.networks[name]);
        script.onerror = function () {
          loading.delete(name);
          reject(new Error(`The weights of ${name} are not at ${address}.`));
        };
        script.src = address;
        document.head.append(script);
      }));
    }
    return loading.get(name);
  }

  // Start a worker for an encoded network.
  function start(encoded) {
    const address = URL.createObjectURL(new Blob([source], { type: "text/javascript" }));
    const worker = new Worker(address);
    URL.revokeObjectURL(address);
    worker.postMessage({ encoded: encoded });
    let number = 0;
    let current = null;

    worker.onmessage = function ({ data }) {
      if (!current || data.number !== number) return;
      if (data.brought) {
        current.on_step(data.brought);
      } else if (data.error) {
        current.reject(new Error(data.error));
      } else {
        current.resolve(data.result);
      }
    };
    worker.onerror = (event) => current && current.reject(new Error(event.message));

    // Show an image, as conv.simulate does. Resolves to its result with the `scores` of
    // the classes, or to null where another image came before it was done.
    function run(image, settings, on_step) {
      if (current) current.resolve(null);
      number++;
      const wants_steps = Boolean(on_step);
      worker.postMessage({ number, image, settings, wants_steps });
      return new Promise(function (resolve, reject) {
        current = { resolve, reject, on_step };
      });
    }

    return { run: run, close: () => worker.terminate() };
  }

  return { load, start };
})(snnlib.conv);
