// A pad to draw a digit on, with mouse, finger or pen, and the way from its strokes to
// an image such as MNIST's.
//
// MNIST's digits were scaled until the larger side of their box had 20 of 28 pixels, and
// shifted until their centre of mass stood in the middle. A stroke here is a list of
// points from 0 to 1, and keeps its thickness in pixels at any size.

snnlib.pad = (function () {
  "use strict";

  // Thickness of a stroke as a share of the box, with which a digit has as much ink as
  // MNIST's have, and as a share of the pad.
  const PEN = 0.12;
  const INK = 0.07;

  function trace(context, strokes, place, width) {
    context.lineWidth = width;
    context.lineCap = context.lineJoin = "round";
    for (const stroke of strokes) {
      const [x, y] = place(stroke[0]);
      context.beginPath();
      // Of no length, a dot would not be drawn.
      context.moveTo(x - 0.01, y);
      for (const point of stroke) context.lineTo(...place(point));
      context.stroke();
    }
  }

  // Greys from 0 to 1, row by row, of strokes centred and scaled as MNIST's digits are:
  // `size` pixels a side, the digit's larger side `box` of them. Null without ink.
  function to_image(strokes, size = 28, box = 20) {
    const points = strokes.flat();
    if (points.length === 0) return null;
    const [x, y] = [0, 1].map((axis) => points.map((point) => point[axis]));
    const [left, right] = [Math.min(...x), Math.max(...x)];
    const [top, bottom] = [Math.min(...y), Math.max(...y)];
    const pen = PEN * box;
    // Of a dot no more than a dot is made.
    const scale = (box - pen) / Math.max(right - left, bottom - top, 0.1);
    const half = [(right - left) * scale + pen, (bottom - top) * scale + pen]
      .map((side) => side / 2);
    const middle = size / 2;
    const canvas = document.createElement("canvas");
    canvas.width = canvas.height = size;
    const context = canvas.getContext("2d", { willReadFrequently: true });
    let shift = [0, 0];
    let image;
    for (let round = 0; round < 3; round++) {
      context.clearRect(0, 0, size, size);
      trace(context, strokes, (point) => [
        middle + shift[0] + (point[0] - (left + right) / 2) * scale,
        middle + shift[1] + (point[1] - (top + bottom) / 2) * scale,
      ], pen);
      const { data } = context.getImageData(0, 0, size, size);
      image = Float32Array.from({ length: size * size }, (_, i) => data[4 * i + 3] / 255);
      const mass = centre_of_mass(image, size);
      // The middle is a pixel, as in MNIST; what would be cut off stays.
      shift = shift.map(function (moved, axis) {
        const room = middle - half[axis];
        const wanted = moved + Math.floor(middle) - mass[axis];
        return Math.max(-room, Math.min(room, wanted));
      });
    }
    return image;
  }

  // Column and row of the centre of mass, counted from 0.
  function centre_of_mass(image, size) {
    let [sum, x, y] = [0, 0, 0];
    image.forEach(function (grey, i) {
      sum += grey;
      x += grey * (i % size);
      y += grey * Math.floor(i / size);
    });
    return sum ? [x / sum, y / sum] : [size / 2, size / 2];
  }

  // Let the reader draw on a canvas. `on_stroke` gets all strokes once one is done.
  function make_pad(canvas, on_stroke) {
    const context = canvas.getContext("2d");
    let strokes = [];
    let current = null;
    let shown = null;

    function draw() {
      const side = canvas.width;
      context.clearRect(0, 0, side, side);
      context.strokeStyle = context.fillStyle = getComputedStyle(canvas).color;
      if (shown) paint(context, shown, side);
      trace(context, strokes, (point) => point.map((part) => part * side), INK * side);
    }

    function point_of(event) {
      const box = canvas.getBoundingClientRect();
      const inside = (part) => Math.max(0, Math.min(1, part));
      return [
        inside((event.clientX - box.left) / box.width),
        inside((event.clientY - box.top) / box.height),
      ];
    }

    canvas.addEventListener("pointerdown", function (event) {
      if (event.button !== 0 || current !== null) return;
      event.preventDefault();
      canvas.setPointerCapture(event.pointerId);
      if (shown) shown = null;
      current = event.pointerId;
      strokes.push([point_of(event)]);
      draw();
    });
    canvas.addEventListener("pointermove", function (event) {
      if (event.pointerId !== current) return;
      const all = event.getCoalescedEvents ? event.getCoalescedEvents() : [];
      for (const part of all.length ? all : [event]) {
        strokes[strokes.length - 1].push(point_of(part));
      }
      draw();
    });
    for (const end of ["pointerup", "pointercancel"]) {
      canvas.addEventListener(end, function (event) {
        if (event.pointerId !== current) return;
        current = null;
        on_stroke(strokes);
      });
    }

    return {
      draw: draw,
      // Show an image in place of what was drawn; null clears the pad.
      show: function (image) {
        strokes = [];
        shown = image;
        draw();
      },
    };
  }

  // Fill a square with an image in the colour that is set.
  function paint(context, image, side) {
    const size = Math.sqrt(image.length);
    const pixel = side / size;
    image.forEach(function (grey, i) {
      if (!grey) return;
      context.globalAlpha = grey;
      context.fillRect(
        (i % size) * pixel, Math.floor(i / size) * pixel, pixel, pixel
      );
    });
    context.globalAlpha = 1;
  }

  return { to_image, make_pad, paint };
})();
