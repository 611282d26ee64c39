// A square follows the pointer, the finger or the arrow keys over a face. The probabilities of the face with the
// square at each cell came with the page, so nothing is asked for while it moves.

const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

export default function ({ data, parentElement }) {
  const face = parentElement.querySelector(".face");
  const square = parentElement.querySelector(".square");
  const spoken = parentElement.querySelector(".spoken");
  parentElement.querySelector("img").src = data.face;
  const rows = makeRows(parentElement.querySelector(".bars"), data);
  square.style.width = square.style.height = `${100 * data.side}%`;
  let cell = null;

  function show(next) {
    cell = next;
    square.hidden = cell === null;
    if (cell !== null) {
      const [column, row] = cell;
      square.style.left = `${100 * ((column + 0.5) / data.cells - data.side / 2)}%`;
      square.style.top = `${100 * ((row + 0.5) / data.cells - data.side / 2)}%`;
    }
    const { values, texts } = cell === null ? data.whole : data.covered[cell[1] * data.cells + cell[0]];
    rows.forEach(({ bar, share }, number) => {
      bar.style.width = `${100 * values[number]}%`;
      share.textContent = texts[number];
    });
  }

  function inside(number) {
    return Math.min(Math.max(number, 0), data.cells - 1);
  }

  function follow(event) {
    const box = face.getBoundingClientRect();
    const cellAt = (offset, size) => inside(Math.floor((offset / size) * data.cells));
    show([cellAt(event.clientX - box.left, box.width), cellAt(event.clientY - box.top, box.height)]);
  }

  face.onpointermove = follow;
  face.onpointerdown = follow;
  face.onpointerleave = (event) => {
    if (event.pointerType === "mouse") show(null); // a finger that is lifted leaves the square where it was
  };
  face.onkeydown = (event) => {
    if (event.key === "Escape") show(null);
    if (!(event.key in ARROWS)) return;
    event.preventDefault();
    const middle = Math.floor(data.cells / 2);
    const [right, down] = cell === null ? [0, 0] : ARROWS[event.key];
    const [column, row] = cell ?? [middle, middle];
    show([inside(column + right), inside(row + down)]);
    spoken.textContent = data.names.map((name, number) => `${name} ${rows[number].share.textContent}`).join(", ");
  };
  show(null);
}

function makeRows(bars, data) {
  const rows = data.names.map((name, number) => {
    const [label, track, bar, before, share] = ["label", "track", "bar", "before", "share"].map((kind) => {
      const part = document.createElement("div");
      part.className = kind;
      return part;
    });
    label.textContent = name;
    bar.style.background = data.colors[number];
    before.style.left = `${100 * data.whole.values[number]}%`;
    track.append(bar, before);
    return { label, track, bar, share };
  });
  bars.replaceChildren(...rows.flatMap(({ label, track, share }) => [label, track, share]));
  return rows;
}
