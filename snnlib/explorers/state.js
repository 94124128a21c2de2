// The state of an explorer as text: `max_rate=200&synapse=none`. What is at its start is
// left out. Behind the explorer's id and a "?" it is the address of the state.

snnlib.state = (function () {
  "use strict";

  function write(controls) {
    return controls
      .filter((control) => !control.is_at_start())
      .map((control) => `${control.name}=${encodeURIComponent(control.text())}`)
      .join("&");
  }

  // Set the controls to what a text says; those that it does not name, to their start.
  function read(text, controls) {
    const named = new URLSearchParams(text);
    for (const control of controls) {
      if (named.has(control.name)) control.type(named.get(control.name));
      else control.reset();
    }
  }

  const address = (id, controls) => `#${id}?${write(controls)}`;

  // The state of an explorer that the page's address holds, or null.
  function in_address(id) {
    const [target, text] = location.hash.slice(1).split("?");
    return target === id && text !== undefined ? text : null;
  }

  // Put a state into the page's address, without a step in the reader's history. A
  // notebook's address is not ours.
  function keep(id, controls) {
    const is_notebook = "jpThemeLight" in document.body.dataset;
    if (is_notebook || window.parent !== window) return;
    history.replaceState(history.state, "", address(id, controls));
  }

  return { read, address, in_address, keep };
})();
