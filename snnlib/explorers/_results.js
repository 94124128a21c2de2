// The paper's nine panels at a setting: what `_results.py` has looked up and judged.

snnlib.views.results = (function () {
  "use strict";

  // Whole numbers of sixteen bits, the lower byte first.
  function decode(text) {
    const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
    return Array.from({ length: bytes.length / 2 }, (_, i) =>
      bytes[2 * i] + 256 * bytes[2 * i + 1]
    );
  }

  // Where the values of some controls stand among all that they can be.
  function place(by, values, stops) {
    return by.reduce((at, name) =>
      at * stops[name].length + stops[name].indexOf(values[name]), 0);
  }

  // The name that a letter stands for.
  const name_of = (letter, words) =>
    Object.keys(words)[letter.charCodeAt(0) - "a".charCodeAt(0)];

  // The number that a whole number stands for, or null.
  function number({ is_mspe }, { empty, mspe, accuracy }, whole) {
    if (whole === undefined || whole === empty) return null;
    return is_mspe ? 10 ** (whole / mspe[0] + mspe[1]) : whole / accuracy;
  }

  // Score and ends at each value of a panel's parameter, or why there are none.
  function line_at(panel, values, data) {
    panel.decoded = panel.decoded || {
      index: decode(panel.index), scores: decode(panel.scores), ends: decode(panel.ends),
    };
    const { index, scores, ends } = panel.decoded;
    const row = index[place(panel.by, values, data.stops)];
    if (row & data.missing) return { missing: panel.reasons[row ^ data.missing] };
    const x = data.stops[panel.parameter];
    const points = x.map(function (value, i) {
      const at = row * x.length + i;
      // Rows without ends come last, and have none.
      const its = [2 * at, 2 * at + 1].map((place) => number(panel, data, ends[place]));
      return { x: value, y: number(panel, data, scores[at]), ends: its };
    });
    return { row: row, points: points.filter(({ y }) => y !== null), missing: "" };
  }

  const series_of = (points) =>
    ({ x: points.map(({ x }) => x), y: points.map(({ y }) => y) });

  function draw(panel, { points = [] }, { base }) {
    const ended = points.filter(({ ends }) => ends[0] !== null);
    const is_base = ({ x }) => x === base[panel.parameter];
    const found = {
      intervals: { x: ended.flatMap(({ x }) => [x, x]), y: ended.flatMap((p) => p.ends) },
      scores: series_of(points),
      runs: series_of(points.filter((point) => !is_base(point))),
      base: series_of(points.filter(is_base)),
    };
    if (panel.level !== null) found.level = { x: [], y: [panel.level] };
    return found;
  }

  function note(panel, { row, missing }, { words }) {
    const lines = panel.parts.map(function ({ part, answers, words: sizes }) {
      const answer = missing ? "none" : name_of(answers[row], words);
      const state = ["yes", "no"].includes(answer) ? answer : "open";
      return [state, words[answer], part, missing ? "" : sizes[row]];
    });
    const about = missing ? "no runs" : panel.abouts[panel.about[row]];
    return { lines: [...lines, ["", "", about, ""]], missing: missing };
  }

  function verdict({ by, verdicts, one }, values, { stops, words }) {
    const found = name_of(verdicts[place(by, values, stops)], words);
    return words[found !== "none" && values.splits !== "many" ? one : found];
  }

  // What two values of a parameter are to each other.
  function compare({ values, is_ratio }, { points = [] }) {
    const [first, second] = values.map((at) => points.find(({ x }) => x === at));
    if (!first || !second) return "not run";
    return is_ratio ? first.y / second.y : second.y - first.y;
  }

  return function (values, data) {
    const view = { series: {}, readouts: {}, notes: {} };
    const lines = {};
    for (const panel of data.panels) {
      const line = line_at(panel, values, data);
      lines[panel.name] = line;
      const drawn = draw(panel, line, data);
      for (const name in drawn) view.series[`${panel.name}.${name}`] = drawn[name];
      view.notes[panel.name] = note(panel, line, data);
    }
    for (const claim of data.claims) {
      view.readouts[claim.name] = verdict(claim, values, data);
    }
    for (const it of data.compared) {
      view.readouts[it.name] = compare(it, lines[it.panel]);
    }
    return view;
  };
})();
