// A control: a slider with a field to type into, or a list where the values are words.

snnlib.make_control = (function (make) {
  "use strict";

  const as_text = (value) => (value === null ? "none" : String(value));

  // Where a value stands among the stops, or the nearest of them.
  function nearest(stops, value) {
    if (stops.includes(value)) return stops.indexOf(value);
    let best = 0;
    stops.forEach(function (stop, i) {
      const gap = stop === null ? Infinity : Math.abs(stop - value);
      const least = stops[best] === null ? Infinity : Math.abs(stops[best] - value);
      if (gap < least) best = i;
    });
    return best;
  }

  // What a typed text means for a control: a value, or why there is none.
  function parse({ name, values, unit }, text) {
    const typed = text.trim();
    if (typed === "none" && values.includes(null)) return { value: null };
    const is_whole = unit === null && values.every(Number.isInteger);
    if (typeof values[0] === "string" || (unit === null && !is_whole)) {
      const found = values.find((value) => String(value) === typed);
      if (found !== undefined) return { value: found };
      const all = values.join(", ");
      return { refusal: `${name} must be one of ${all}. Got "${typed}".` };
    }
    const numbers = values.filter((value) => value !== null);
    const [low, high] = [Math.min(...numbers), Math.max(...numbers)];
    const value = Number(typed);
    const fits = typed !== "" && value >= low && value <= high;
    if (fits && (unit !== null || values.includes(value))) return { value: value };
    const kind = unit === null ? "a whole number" : "a number";
    const none = values.includes(null) ? ', or "none"' : "";
    return {
      refusal: `${name} must be ${kind} from ${low} to ${high} ${unit || ""}`.trim() +
        `${none}. Got "${typed}".`,
    };
  }

  return function make_control(control, id, on_input) {
    const { name, values, labels, start, unit } = control;
    const is_list = typeof values[start] === "string";
    let value = values[start];
    let refusal = null;

    const label = make("label", { for: id }, make("code", {}, name));
    const last = values.length - 1;
    const input = is_list
      ? make("select", { id: id })
      : make("input", { type: "range", id: id, min: 0, max: last, step: 1 });
    if (is_list) {
      labels.forEach((text, i) => input.append(make("option", { value: i }, text)));
    }
    const field = make("input", {
      class: "snnlib-typed", type: "text", inputmode: "decimal", autocomplete: "off",
      "aria-label": `type ${name}${unit ? ` in ${unit}` : ""}`, id: `${id}-typed`,
    });
    const output = make("output", { for: id });
    const shown = is_list ? "" : unit === null ? output : make("span", {}, field, unit);

    function describe(of = value) {
      const stop = values.indexOf(of);
      return stop < 0 ? `${as_text(of)} ${unit}`.trim() : labels[stop];
    }

    function show() {
      const stop = nearest(values, value);
      if (input.value !== String(stop)) input.value = stop;
      output.textContent = describe();
      if (refusal === null) field.value = as_text(value);
      field.toggleAttribute("aria-invalid", refusal !== null);
      if (!is_list) input.setAttribute("aria-valuetext", describe());
    }

    function set(to) {
      value = to;
      refusal = null;
      show();
    }

    function type(text) {
      const typed = parse(control, text);
      field.value = text;
      if ("value" in typed) return set(typed.value);
      refusal = typed.refusal;
      show();
    }

    set(value);
    input.addEventListener("input", function () {
      set(values[input.value]);
      on_input();
    });
    field.addEventListener("change", function () {
      type(field.value);
      on_input();
    });
    return {
      element: make("div", { class: "snnlib-control" }, label, input, shown),
      name: name,
      value: () => value,
      refusal: () => refusal,
      describe: describe,
      is_at_start: () => value === values[start] && refusal === null,
      set: set,
      type: type,
      reset: () => set(values[start]),
    };
  };
})(snnlib.make);
