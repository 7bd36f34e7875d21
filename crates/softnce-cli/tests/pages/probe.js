"use strict";
// Looks into the frame and writes what it finds into #found as JSON. It opens what is folded, and presses the heads of
// tables.
const frame = document.querySelector("iframe");

frame.addEventListener("load", () => setTimeout(() => {
  const found = document.querySelector("#found");
  try {
    found.textContent = JSON.stringify(look(frame.contentWindow, frame.contentDocument));
  } catch (error) {
    found.textContent = JSON.stringify({ error: String(error.stack) });
  }
}, 300));

function look(view, page) {
  const root = page.documentElement;
  const all = (selector, within = page) => [...within.querySelectorAll(selector)];
  all("details").forEach((part) => { part.open = true; });
  const shown = (node) => node.getClientRects().length > 0;
  const drawings = all("svg").filter((svg) => !svg.matches(".swatch") && shown(svg));
  return {
    width: root.clientWidth,
    dark: view.matchMedia("(prefers-color-scheme: dark)").matches,
    // Nothing makes the page itself wider than the screen.
    overflow: root.scrollWidth - root.clientWidth,
    outside: all("body *").filter((node) => sticksOut(node, root.clientWidth)).map(describe).slice(0, 5),
    filled: Math.max(...all("main figure, main table, main .claims").map((node) => node.getBoundingClientRect().right)),
    scrolling: all(".scroll").filter(shown).map((box) => ({
      scrolls: box.scrollWidth > box.clientWidth + 1,
      hint: shown(box.previousElementSibling) && box.previousElementSibling.matches(".hint"),
      stop: box.tabIndex === 0,
    })),
    scripts: all("script").length,
    attributes: all("*").flatMap((node) => node.getAttributeNames()).filter((name) => name.startsWith("on")),
    hacked: view.hacked ?? null,
    untipped: drawings.flatMap(marks).filter((mark) => !isTipped(mark)).map(describe).slice(0, 5),
    tips: drawings.flatMap((svg) => all("title", svg)).length,
    ticks: drawings.flatMap(badTicks).slice(0, 5),
    untitled: drawings.filter((svg) => svg.querySelector(".axis, .grid")).filter((svg) => titles(svg) === 0).map(describe),
    // Columns so narrow that words break letter by letter.
    squeezed: all("th, td").filter((cell) => cell.clientWidth < 100 && textHeight(cell) > 130).map(describe).slice(0, 5),
    pale: contrasts(view, all("h1, h2, h3, p, li, a, th, td, figcaption, svg text, summary, code").filter(shown)),
    tables: all("table").filter((table) => table.tHead).map(sorting),
  };
}

function describe(node) {
  return `${node.tagName}.${node.getAttribute("class") ?? ""} ${node.textContent.trim().slice(0, 60)}`;
}

// The height of what a cell holds: the cell itself is as high as the highest one of its row.
function textHeight(cell) {
  const range = cell.ownerDocument.createRange();
  range.selectNodeContents(cell);
  return range.getBoundingClientRect().height;
}

// Whether an element sticks out at the right, and not within something that scrolls.
function sticksOut(node, width) {
  if (node.closest(".scroll, pre, title, .tip") || node.closest("svg svg")) return false;
  const box = node.getBoundingClientRect();
  return box.width > 0 && (box.right > width + 1 || box.left < -1);
}

const MARKS = ".marker, .mean, .band, .whisker, .interval, .seed, .count, .context, .calibrated, .thin";

function marks(svg) {
  return [...svg.querySelectorAll(MARKS)].filter((mark) => !mark.closest(".key"));
}

function isTipped(mark) {
  for (let node = mark; node && node.tagName !== "svg"; node = node.parentElement) {
    if (node.querySelector(":scope > title")?.textContent) return true;
  }
  return false;
}

// The titles of the axes of a drawing.
function titles(svg) {
  return [...svg.querySelectorAll("text.label")].filter((text) => text.textContent.trim()).length;
}

// Ticks of an axis that have the same label, or whose labels overlap.
function badTicks(svg) {
  return [...svg.querySelectorAll("g.ticks")].flatMap((axis) => {
    const ticks = [...axis.querySelectorAll("text")];
    return ticks.flatMap((one, index) => ticks.slice(0, index).flatMap((other) => {
      const name = svg.getAttribute("aria-label");
      const [a, b] = [one.getBoundingClientRect(), other.getBoundingClientRect()];
      const apart = a.left > b.right - 0.5 || b.left > a.right - 0.5 || a.top > b.bottom - 4 || b.top > a.bottom - 4;
      if (one.textContent === other.textContent) return [`twice: ${one.textContent} in ${name}`];
      return apart ? [] : [`overlap: ${one.textContent} and ${other.textContent} in ${name}`];
    }));
  });
}

function luminance(colour) {
  const [red, green, blue] = colour.match(/[\d.]+/g).slice(0, 3).map((value) => {
    const share = value / 255;
    return share > 0.04045 ? ((share + 0.055) / 1.055) ** 2.4 : share / 12.92;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

// Text with less contrast to the page than 4.5 to 1.
function contrasts(view, nodes) {
  const paper = luminance(view.getComputedStyle(view.document.body).backgroundColor);
  const pale = new Set();
  for (const node of nodes) {
    const style = view.getComputedStyle(node);
    const ink = luminance(node.namespaceURI.endsWith("svg") ? style.fill : style.color);
    const ratio = (Math.max(ink, paper) + 0.05) / (Math.min(ink, paper) + 0.05);
    if (ratio < 4.5) pale.add(`${describe(node)} ${ratio.toFixed(2)}`);
  }
  return [...pale].slice(0, 5);
}

// Presses every head of a table three times: upwards, downwards, and as it was.
function sorting(table) {
  const rows = () => [...table.rows].map((row) => row.textContent);
  const buttons = [...table.querySelectorAll("thead th > button")];
  const before = rows();
  const heads = table.querySelectorAll("thead th").length;
  const report = { heads, buttons: buttons.length, rows: before.length, wrong: [] };
  buttons.forEach((button, column) => {
    button.focus();
    if (button.ownerDocument.activeElement !== button) report.wrong.push(`no focus: ${button.textContent}`);
    const head = button.parentElement;
    for (const order of ["ascending", "descending", null]) {
      button.click();
      if (head.getAttribute("aria-sort") !== order) report.wrong.push(`aria-sort of ${button.textContent}`);
      const sorted = rows();
      if ([...sorted].sort().join() !== [...before].sort().join()) report.wrong.push(`rows lost: ${button.textContent}`);
      if (order === null) {
        if (sorted.join() !== before.join()) report.wrong.push(`not as before: ${button.textContent}`);
      } else if (head.matches(".number")) {
        const values = [...table.tBodies].map((body) => [...body.rows].map((row) => value(row, column)));
        for (const list of values) {
          const numbers = list.filter((number) => number !== null);
          const sign = order === "ascending" ? 1 : -1;
          if (numbers.some((number, index) => index > 0 && sign * (number - numbers[index - 1]) < 0)) {
            report.wrong.push(`${order}: ${button.textContent}: ${numbers.join(" ")}`);
          }
        }
      }
    }
  });
  return report;
}

// The number in a column of a row of plain cells; null for other rows and units.
function value(row, column) {
  if (row.cells.length <= column || [...row.cells].some((cell) => cell.colSpan > 1)) return null;
  const text = row.cells[column].textContent;
  if (/[KMGT]iB/.test(text)) return null;
  const found = text.replaceAll(",", "").replaceAll("\u2212", "-").match(/^\s*[-+]?\d+(\.\d+)?(e[-+]?\d+)?/);
  return found ? Number(found[0]) : null;
}
