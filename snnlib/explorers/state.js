// The state of an explorer as text: `max_rate=200&synapse=none`. What is at its start
// is left out. Behind the explorer's id and a "?" it is the address of the state.

snnlib.state = (function () {
  "use strict";

  // A notebook's address is not ours.
  const is_lab = "jpThemeLight" in document.body.dataset;
  const is_page = !is_lab && window.parent === window;

  // Values as a mapping from names.
  function address(id, values) {
    const named = Object.entries(values).map(([name, value]) =>
      `${name}=${encodeURIComponent(value === null ? "none" : value)}`
    );
    return `#${id}?${named.join("&")}`;
  }

  // What a control says it is set to, of those that are not at their start.
  function address_of(id, controls) {
    const moved = controls.filter((control) => !control.is_at_start());
    return address(id, Object.fromEntries(moved.map((c) => [c.name, c.value()])));
  }

  // Set the controls to what an address says; what it does not name, to its start.
  function go_to(target, controls) {
    const named = new URLSearchParams(target.split("?")[1]);
    for (const control of controls) {
      if (named.has(control.name)) control.type(named.get(control.name));
      else control.reset();
    }
  }

  // Put a state into the page's address, without a step in the reader's history.
  function keep(target) {
    if (is_page) history.replaceState(history.state, "", target);
  }

  // Call back for each link to a state of an explorer that is clicked on the page, and
  // for the address of one that the reader opens.
  function follow(id, on_target) {
    const is_ours = (target) => target && target.startsWith(`#${id}?`);
    document.addEventListener("click", function (event) {
      const anchor = event.target.closest("a[href]");
      const target = anchor && anchor.getAttribute("href");
      if (!is_ours(target) || event.ctrlKey || event.metaKey) return;
      event.preventDefault();
      keep(target);
      on_target(target, anchor);
    });
    function open() {
      if (is_ours(location.hash)) on_target(location.hash, document.body);
    }
    window.addEventListener("hashchange", open);
    // Before that the page has not its height, and there is no place to scroll to.
    if (document.readyState === "complete") open();
    else window.addEventListener("load", open);
  }

  return { is_page, address, address_of, go_to, keep, follow };
})();
