import assert from 'node:assert/strict';
import { test } from 'node:test';

import { afterBreak, indented, linesOf } from '../static/editor.js';
import { tokenize } from '../static/highlight.js';

test('tokens are cut into as many lines as the text has', () => {
  for (const text of ['', 'a', 'a\n', '\n\n', '`a\nb\n`\n/* c\n*/']) {
    const lines = linesOf(tokenize(text, 'javascript'));
    assert.deepEqual(lines.map((l) => l.map((t) => t.text).join('')), text.split('\n'));
  }
});

// apply shows a change with the selection between brackets.
function apply(marked, back) {
  const start = marked.indexOf('[');
  const end = marked.indexOf(']') - 1;
  const text = marked.replace('[', '').replace(']', '');
  const c = indented(text, start, end, back);
  const out = text.slice(0, c.from) + c.insert + text.slice(c.to);
  return `${out.slice(0, c.start)}[${out.slice(c.start, c.end)}]${out.slice(c.end)}`;
}

test('Tab indents, Shift-Tab does the reverse', () => {
  const cases = [
    ['a[]b', false, 'a  []b'],
    ['[a\nb]\nc', false, '  [a\n  b]\nc'],
    ['[a\n]b', false, '  [a\n]b'],
    ['[a\n\nb]', false, '  [a\n\n  b]'],
    ['  a[]', true, 'a[]'],
    [' [a]', true, '[a]'],
    ['\ta[]', true, 'a[]'],
    ['x\n    [a\n  b]', true, 'x\n  [a\nb]'],
    ['a[]', true, 'a[]'],
  ];
  for (const [before, back, want] of cases) assert.equal(apply(before, back), want, JSON.stringify(before));
});

test('a new line keeps the indent', () => {
  assert.equal(afterBreak('  a', 3), '\n  ');
  assert.equal(afterBreak('x\n\tif (a) {', 11), '\n\t  ');
  assert.equal(afterBreak('', 0), '\n');
});
