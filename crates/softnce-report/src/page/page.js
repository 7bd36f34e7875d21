"use strict";
// Columns that sort, a hint at tables that scroll, and tooltips without a mouse. The page is complete without this
// script. It uses no left angle bracket and no ampersand, so that the page is also well-formed XML.

// The cell of a row in a column.
function cellAt(row, column) {
  let end = 0;
  for (const cell of row.cells) {
    end += cell.colSpan;
    if (end > column) return cell;
  }
  return null;
}

// The first number of a text, sizes in bytes with their unit; null without a number.
function numberIn(text) {
  const powers = { KiB: 10, MiB: 20, GiB: 30, TiB: 40 };
  const plain = text.replace(/,/g, "").replace(/\u2212/g, "-");
  const found = plain.match(/[-+]?\d+(?:\.\d+)?(?:e[-+]?\d+)?(?:\s*([KMGT]iB))?/);
  return found ? parseFloat(found[0]) * 2 ** (powers[found[1]] ?? 0) : null;
}

// The order of two rows; rows without a number come last in either direction.
function compare(column, numeric, sign) {
  const collator = new Intl.Collator("en", { numeric: true });
  const text = (row) => cellAt(row, column)?.textContent.trim() ?? "";
  return (left, right) => {
    if (!numeric) return sign * collator.compare(text(left), text(right));
    const [one, other] = [numberIn(text(left)), numberIn(text(right))];
    if (one === null || other === null) return (one === null) - (other === null);
    return sign * (one - other);
  };
}

// Makes the heads of a table buttons: upwards, downwards, as it was.
function makeSortable(table) {
  const bodies = [...table.tBodies].map((body) => ({ body, rows: [...body.rows] }));
  const heads = [...table.querySelectorAll("thead th")];
  if (!bodies.some(({ rows }) => rows.length > 1)) return;
  heads.forEach((head, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      const next = { none: "ascending", ascending: "descending", descending: "none" };
      const order = next[head.getAttribute("aria-sort") ?? "none"];
      heads.forEach((other) => other.removeAttribute("aria-sort"));
      if (order !== "none") head.setAttribute("aria-sort", order);
      const numeric = head.matches(".number, .breaking");
      for (const { body, rows } of bodies) {
        const titles = rows.filter((row) => row.matches(".rows"));
        const others = rows.filter((row) => !row.matches(".rows"));
        if (order !== "none") others.sort(compare(column, numeric, order === "ascending" ? 1 : -1));
        body.append(...titles, ...others);
      }
    });
  });
}

// Says so above a table that is wider than its place; only such a table is a stop of the tab key.
function hintAt(box) {
  const hint = document.createElement("p");
  hint.className = "hint";
  hint.textContent = "Scroll sideways for more columns \u2192";
  box.before(hint);
  const update = () => {
    const scrolls = box.scrollWidth > box.clientWidth + 1;
    hint.hidden = !scrolls;
    if (scrolls) box.tabIndex = 0;
    else box.removeAttribute("tabindex");
  };
  new ResizeObserver(update).observe(box);
  update();
}

// Shows the title of a mark that is touched.
function showTips() {
  const tip = document.createElement("div");
  tip.className = "tip";
  tip.hidden = true;
  document.body.append(tip);
  document.addEventListener("pointerdown", (event) => {
    tip.hidden = true;
    if (event.pointerType === "mouse") return;
    const marks = "svg g, svg path, svg rect";
    for (let mark = event.target.closest(marks); mark; mark = mark.parentElement.closest(marks)) {
      const title = mark.querySelector(":scope > title");
      if (!title) continue;
      tip.textContent = title.textContent;
      tip.hidden = false;
      const room = document.documentElement.clientWidth - tip.offsetWidth - 8;
      tip.style.left = `${Math.max(8, Math.min(event.clientX + 12, room))}px`;
      tip.style.top = `${event.clientY + 16}px`;
      return;
    }
  });
}

document.querySelectorAll("table").forEach(makeSortable);
document.querySelectorAll(".scroll").forEach(hintAt);
showTips();
