// Helpers for making elements. Text is always set as text.

// h makes an element: h('a', { href: '/x', class: 'y' }, 'text', child).
export function h(tag, props = {}, ...children) {
  const e = document.createElement(tag);
  for (const [name, value] of Object.entries(props ?? {})) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith('on') && typeof value === 'function') e.addEventListener(name.slice(2).toLowerCase(), value);
    else if (name === 'dataset') Object.assign(e.dataset, value);
    else e.setAttribute(name, value === true ? '' : value);
  }
  e.append(...children.flat().filter((c) => c !== undefined && c !== null && c !== false));
  return e;
}

// on listens to events of what matches a selector, now or later.
export function on(type, selector, listener, root = document) {
  root.addEventListener(type, (event) => {
    const target = event.target instanceof Element ? event.target.closest(selector) : null;
    if (target) listener(event, target);
  });
}

// toast says something for a moment, to eyes and to screen readers.
export function toast(text) {
  const box = document.getElementById('toasts');
  if (!box) return;
  const note = h('p', { class: 'toast' }, text);
  box.append(note);
  setTimeout(() => note.remove(), 5000);
}
