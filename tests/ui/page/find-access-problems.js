// Runs in the page, as text: the DOM is not among the types of these tests.
(() => {
  const found = [];
  const visible = (element) => element.checkVisibility({ opacityProperty: true, visibilityProperty: true });
  const describe = (element) =>
    `<${element.tagName.toLowerCase()} class="${element.getAttribute('class') ?? ''}"> "${(element.textContent ?? '').trim().slice(0, 40)}"`;
  for (const element of document.querySelectorAll(
    'button, a[href], [role=button], [role=tab], input, select, textarea, [role=listbox], dialog, canvas',
  )) {
    // A chart is named by its figure.
    if (!visible(element) || element.matches('figure[aria-label] canvas')) continue;
    const labels =
      element instanceof HTMLInputElement || element instanceof HTMLSelectElement || element instanceof HTMLTextAreaElement
        ? [...(element.labels ?? [])].map((l) => l.textContent).join('')
        : '';
    const name = element.getAttribute('aria-label') ?? element.getAttribute('title') ?? (labels || (element.textContent ?? ''));
    if (name.trim() === '' && element.getAttribute('aria-labelledby') === null) found.push(`no name: ${describe(element)}`);
  }
  const ids = [...document.querySelectorAll('[id]')].map((element) => element.id);
  for (const id of new Set(ids.filter((one, at) => ids.indexOf(one) !== at))) found.push(`id used twice: ${id}`);

  const canvas = document.createElement('canvas');
  canvas.width = canvas.height = 1;
  const ctx = canvas.getContext('2d', { willReadFrequently: true });
  if (!ctx) return found;
  /** Paints the colours over each other, as the browser does, and reads what comes out. */
  const mixed = (colours) => {
    ctx.clearRect(0, 0, 1, 1);
    for (const colour of colours) {
      ctx.fillStyle = colour;
      ctx.fillRect(0, 0, 1, 1);
    }
    return [...ctx.getImageData(0, 0, 1, 1).data];
  };
  const light = ([r = 0, g = 0, b = 0]) => {
    const part = (v) => (v / 255 <= 0.04045 ? v / 255 / 12.92 : ((v / 255 + 0.055) / 1.055) ** 2.4);
    return 0.2126 * part(r) + 0.7152 * part(g) + 0.0722 * part(b);
  };
  const seen = new Set();
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    if (
      !element ||
      (walker.currentNode.nodeValue ?? '').trim() === '' ||
      !visible(element) ||
      element.closest('svg, option, :disabled, .unseen')
    )
      continue;
    const layers = [];
    for (let at = element; at; at = at.parentElement) layers.unshift(getComputedStyle(at).backgroundColor);
    const style = getComputedStyle(element);
    const [front, back] = [light(mixed([...layers, style.color])), light(mixed(layers))];
    const ratio = (Math.max(front, back) + 0.05) / (Math.min(front, back) + 0.05);
    const least = Number.parseFloat(style.fontSize) >= 24 ? 3 : 4.5;
    const text = `contrast ${ratio.toFixed(2)}: ${style.color} in ${describe(element)}`;
    if (ratio < least && !seen.has(text)) found.push(text);
    seen.add(text);
  }
  return found;
})();
