// What an explorer shows, as a file: its panels as a PNG, its series as a CSV.

snnlib.download = (function (make, make_svg) {
  "use strict";
  const STYLES = [
    "fill", "fill-opacity", "font-family", "font-size", "font-weight", "stroke",
    "stroke-dasharray", "stroke-linejoin", "stroke-width", "text-anchor",
  ];
  const GAP = 16;
  const ROW = 18;

  function save(blob, name) {
    const address = URL.createObjectURL(blob);
    make("a", { href: address, download: name }).click();
    setTimeout(() => URL.revokeObjectURL(address), 1000);
  }

  // A row for each point of each series, below the values of the sliders.
  function csv(panels, view, controls) {
    const is_plain = (text) => !/[",\n]/.test(text);
    const quoted = (text) => is_plain(text) ? text : `"${text.replace(/"/g, '""')}"`;
    const lines = controls.map((c) => `# ${c.name} = ${c.describe()}`);
    lines.push("panel,series,x,y");
    for (const panel of panels) {
      for (const part of panel.series) {
        const { x, y } = view.series[`${panel.name}.${part.name}`];
        const names = `${quoted(panel.title)},${quoted(part.label || part.name)}`;
        for (let i = 0; i < Math.max(x.length, y.length); i++) {
          lines.push(`${names},${x[i] ?? ""},${y[i] ?? ""}`);
        }
      }
    }
    return new Blob([lines.join("\n") + "\n"], { type: "text/csv" });
  }

  // A panel with its colours written into it, for a style sheet does not come along.
  function with_styles(svg) {
    const copy = svg.cloneNode(true);
    copy.querySelectorAll(".cursor").forEach((mark) => mark.remove());
    const theirs = svg.querySelectorAll("*:not(.cursor)");
    copy.querySelectorAll("*").forEach(function (element, i) {
      const style = getComputedStyle(theirs[i]);
      for (const name of STYLES) {
        element.setAttribute(name, style.getPropertyValue(name));
      }
    });
    return copy;
  }

  function legend_of(list, top, width) {
    const group = make_svg("g", {});
    let x = 28;
    for (const entry of list.querySelectorAll("li")) {
      const room = 38 + 6.2 * entry.textContent.length;
      if (x > 28 && x + room > width) [x, top] = [28, top + ROW];
      const mark = getComputedStyle(entry.querySelector(".snnlib-mark"));
      const text = getComputedStyle(entry);
      group.append(make_svg("line", {
        x1: x, x2: x + 18, y1: top, y2: top, stroke: mark.borderTopColor,
        "stroke-width": 2.5,
        "stroke-dasharray": mark.borderTopStyle === "dashed" ? "5 3" : "none",
      }));
      group.append(make_svg("text", {
        x: x + 23, y: top + 4, fill: text.color, "font-size": 11,
        "font-family": text.fontFamily,
      }, entry.textContent));
      x += room;
    }
    return group;
  }

  // All panels, at most three side by side, twice as fine as on the screen: each over
  // its legend, or all over the one they share.
  function png(root, svgs, legends, done) {
    const is_shared = svgs.length > 1 && new Set(legends).size === 1;
    const boxes = svgs.map((svg) => svg.viewBox.baseVal);
    const high = Math.max(...boxes.map((box) => box.height));
    const tall = high + (is_shared ? GAP : 3 * ROW);
    const lefts = [];
    boxes.forEach(function (_, i) {
      lefts.push(i % 3 ? lefts[i - 1] + boxes[i - 1].width + GAP : GAP);
    });
    const width = Math.max(...boxes.map((box, i) => lefts[i] + box.width)) + GAP;
    const below = GAP + Math.ceil(svgs.length / 3) * tall;
    const height = below + (is_shared ? 2 * ROW : 0);
    const whole = make_svg("svg", {
      xmlns: "http://www.w3.org/2000/svg", width: width, height: height,
    });
    const paper = getComputedStyle(root).backgroundColor;
    whole.append(make_svg("rect", { width: width, height: height, fill: paper }));
    svgs.forEach(function (svg, i) {
      const top = GAP + Math.floor(i / 3) * tall;
      const group = make_svg("g", { transform: `translate(${lefts[i]} ${top})` });
      group.append(...with_styles(svg).childNodes);
      if (!is_shared) {
        group.append(legend_of(legends[i], boxes[i].height + 8, boxes[i].width));
      }
      whole.append(group);
    });
    if (is_shared) whole.append(legend_of(legends[0], below + 8, width));
    const image = new Image();
    image.onload = function () {
      const canvas = make("canvas", { width: 2 * width, height: 2 * height });
      canvas.getContext("2d").drawImage(image, 0, 0, 2 * width, 2 * height);
      canvas.toBlob(done, "image/png");
    };
    const text = new XMLSerializer().serializeToString(whole);
    image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(text)}`;
  }

  return { save, csv, png };
})(snnlib.make, snnlib.make_svg);
