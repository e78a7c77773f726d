// What cannot be told from its background: text below 4.5 to 1, and the edge of a field or button below 3 to 1 (WCAG 2.2, 1.4.3 and 1.4.11).
const numbers = (color) => {
  const found = color.match(/[\d.]+/g).map(Number);
  return found.length < 4 ? [...found, 1] : found;
};
const over = ([r, g, b, a], under) => [...[r, g, b].map((value, at) => value * a + under[at] * (1 - a)), 1];
const linear = (value) => (value / 255 <= 0.04045 ? value / 255 / 12.92 : ((value / 255 + 0.055) / 1.055) ** 2.4);
const light = ([r, g, b]) => 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
const ratio = (one, other) => {
  const [dark, bright] = [light(one), light(other)].sort((a, b) => a - b);
  return (bright + 0.05) / (dark + 0.05);
};
const upwards = (element) => (element ? [element, ...upwards(element.parentElement)] : []);
const behind = (element) =>
  upwards(element).reverse().reduce((under, one) => over(numbers(getComputedStyle(one).backgroundColor), under), [255, 255, 255, 1]);
const opacity = (element) => upwards(element).reduce((whole, one) => whole * Number(getComputedStyle(one).opacity), 1);
const seen = (element) => element.checkVisibility() && element.getBoundingClientRect().width > 0;
const faults = [];
let looked = 0;
for (const element of document.querySelectorAll("main, main *")) {
  if (!seen(element)) continue;
  const style = getComputedStyle(element);
  const says = [...element.childNodes].some((node) => node.nodeType === Node.TEXT_NODE && node.data.trim());
  if (says) {
    const [r, g, b, a] = numbers(style.color);
    const ground = behind(element);
    const found = ratio(over([r, g, b, a * opacity(element)], ground), ground);
    looked += 1;
    if (found < 4.5) faults.push(`text ${element.tagName} ${found.toFixed(2)}: ${element.textContent.trim().slice(0, 40)}`);
  }
  if (["INPUT", "BUTTON"].includes(element.tagName) && element.type !== "hidden") {
    const ground = behind(element.parentElement);
    const found = Math.max(ratio(numbers(style.borderTopColor), ground), ratio(behind(element), ground));
    looked += 1;
    if (found < 3) faults.push(`edge ${element.tagName} ${found.toFixed(2)}: ${element.name || element.textContent}`);
  }
}
return { looked, faults };
