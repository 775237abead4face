// Values and log lines as elements. Nothing that a function wrote is ever
// markup, and no control character of it has an effect.

import { tokenize } from './highlight.js';

// visible replaces what would be invisible or would move other text about:
// control characters (a terminal's colours begin with one) and the marks that
// turn the direction of text.
export function visible(text) {
  return text.replace(/\r\n/g, '\n').replace(/[\0-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]/g, (c) => {
    const code = c.charCodeAt(0);
    if (code < 0x20) return String.fromCharCode(0x2400 + code);
    return code === 0x7f ? '\u2421' : `\\u${code.toString(16).padStart(4, '0')}`;
  });
}

// pretty lays out JSON without reading its numbers, so that none loses digits.
// What is not JSON comes back as it is.
export function pretty(text) {
  try {
    JSON.parse(text);
  } catch {
    return text;
  }
  let out = '';
  let depth = 0;
  const tokens = tokenize(text, 'json').flatMap((t) => (t.type === 'operator' ? [...t.text].map((c) => ({ type: 'operator', text: c })) : [t]))
    .filter((t) => t.text.trim() !== '');
  tokens.forEach((t, i) => {
    const next = tokens[i + 1]?.text;
    const line = () => { out += `\n${'  '.repeat(depth)}`; };
    if (t.type !== 'operator') out += t.text.trim();
    else if (t.text === '{' || t.text === '[') {
      out += t.text;
      if (next !== '}' && next !== ']') {
        depth++;
        line();
      }
    } else if (t.text === '}' || t.text === ']') {
      if (tokens[i - 1]?.text !== '{' && tokens[i - 1]?.text !== '[') {
        depth--;
        line();
      }
      out += t.text;
    } else if (t.text === ',') {
      out += ',';
      line();
    } else out += ': ';
  });
  return out;
}

// coloured fills an element with the tokens of a text.
export function coloured(element, text, language) {
  element.replaceChildren(...tokenize(visible(text), language).map(({ type, text: part }) => {
    if (type === '') return part;
    const span = document.createElement('span');
    span.className = `t-${type}`;
    span.textContent = part;
    return span;
  }));
}
