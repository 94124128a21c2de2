// A guess before the first move: will a number fall, stay or rise?

snnlib.make_guess = (function (make, show_number) {
  "use strict";
  const WAYS = { fall: "It falls", stay: "It hardly moves", rise: "It rises" };
  const DID = { fall: "fell", stay: "hardly moved", rise: "rose" };
  // A number that moves by less than this share of itself hardly moves.
  const LITTLE = 0.02;

  function way(from, to) {
    const least = LITTLE * Math.max(Math.abs(from), Math.abs(to));
    if (Math.abs(to - from) <= least) return "stay";
    return to < from ? "fall" : "rise";
  }

  // `views` has the start and what the settings lead to, `target` the address of these.
  return function make_guess(id, { settings, readout, views, target }) {
    const [before, after] = views;
    const said = make("p", { class: "snnlib-outcome", role: "status" });
    const see = make("a", { href: target, hidden: "" }, "Show me");
    let expected = null;
    let is_shown = false;

    function tell() {
      if (expected === null) return;
      const did = way(before.readouts[readout.name], after.readouts[readout.name]);
      const right = did === expected ? "As you expected, it" : "It";
      const wrong = did === expected ? "" :
        ` You expected: ${WAYS[expected].toLowerCase()}.`;
      said.textContent = is_shown
        ? `${right} ${DID[did]}: from ${show_number(readout, before)} to ` +
          `${show_number(readout, after)}.${wrong}`
        : "Now move there yourself, or let it be shown.";
    }

    const choices = Object.entries(WAYS).map(function ([name, text]) {
      const radio = make("input", { type: "radio", name: `${id}-guess`, value: name });
      radio.addEventListener("change", function () {
        expected = name;
        see.hidden = false;
        tell();
      });
      return make("label", {}, radio, text);
    });
    const question = `Suppose you set ${settings.join(" and ")}. What becomes of ` +
      `“${readout.label}”, now ${show_number(readout, before)}?`;
    const element = make("details", { class: "snnlib-guess" },
      make("summary", {}, "Guess first"),
      make("fieldset", {}, make("legend", {}, question), ...choices, see), said
    );
    return {
      element: element,
      // The sliders have moved; `is_there` says whether to where the guess asks about.
      moved: function (is_there) {
        is_shown = is_shown || is_there;
        tell();
      },
    };
  };
})(snnlib.make, snnlib.shared.show_number);
