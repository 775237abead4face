// A text area with colours behind it, line numbers beside it and marks in it.
// Undo, find, selection and input methods are the browser's own.

import { languageOf, tokenize } from './highlight.js';

const MAX_COLOURED = 200 << 10; // longer texts are shown in one colour
const MAX_UNDOABLE = 200; // lines that one key changes so that it can be undone
const INDENT = '  ';

// linesOf cuts tokens at line ends: a list of tokens for each line.
export function linesOf(tokens) {
  const lines = [[]];
  for (const { type, text } of tokens) {
    text.split('\n').forEach((part, i) => {
      if (i > 0) lines.push([]);
      if (part !== '') lines.at(-1).push({ type, text: part });
    });
  }
  return lines;
}

// indented returns the change that the Tab key makes: the lines of the
// selection move right or left, or a caret gets an indent.
export function indented(text, start, end, back, indent = INDENT) {
  if (start === end && !back) return { from: start, to: start, insert: indent, start: start + indent.length, end: start + indent.length };
  const from = text.lastIndexOf('\n', start - 1) + 1;
  const last = end > start && text[end - 1] === '\n' ? end - 1 : end; // a line that is only touched stays
  const to = text.indexOf('\n', last) < 0 ? text.length : text.indexOf('\n', last);
  const lines = text.slice(from, to).split('\n');
  const out = lines.map((l) => (back ? l.replace(new RegExp(`^(\t| {1,${indent.length}})`), '') : l === '' ? l : indent + l));
  const insert = out.join('\n');
  const moved = out[0].length - lines[0].length;
  return { from, to, insert, start: Math.max(from, start + moved), end: Math.max(from, end + insert.length - (to - from)) };
}

// afterBreak is what a new line begins with: the indent of the line before,
// and one more after an opening bracket.
export function afterBreak(text, at, indent = INDENT) {
  const line = text.slice(text.lastIndexOf('\n', at - 1) + 1, at);
  const spaces = /^[ \t]*/.exec(line)[0];
  return `\n${spaces}${/[{[(:]\s*$/.test(line) ? indent : ''}`;
}

export class Editor {
  // The elements are there already: a text area in a frame, with room for the
  // colours and the numbers. changed is called after every edit.
  constructor(frame, { changed }) {
    this.frame = frame;
    this.area = frame.querySelector('textarea');
    this.code = frame.querySelector('.editor-code');
    this.gutter = frame.querySelector('.editor-gutter');
    this.changed = changed;
    this.language = 'text';
    this.indent = INDENT;
    this.shown = []; // what each line of the overlay was made of
    this.marks = [];
    this.leaving = false; // Escape was pressed: Tab leaves
    this.area.addEventListener('input', () => {
      this.draw();
      this.changed(this.area.value);
    });
    this.area.addEventListener('keydown', (e) => this.key(e));
    this.area.addEventListener('beforeinput', (e) => {
      if (e.inputType !== 'insertLineBreak') return; // the Enter key, also of a screen keyboard
      e.preventDefault();
      const { value, selectionStart: start, selectionEnd: end } = this.area;
      this.replace(start, end, afterBreak(value, start, this.indent));
    });
    this.area.addEventListener('blur', () => { this.leaving = false; });
  }

  get value() { return this.area.value; }

  // open shows another text. Nothing can be undone beyond it.
  open(name, text) {
    this.language = languageOf(name);
    this.indent = this.language === 'python' ? '    ' : INDENT;
    this.area.value = text;
    this.area.setSelectionRange(0, 0);
    this.frame.scrollTo(0, 0);
    this.draw();
  }

  // mark shows errors: {line, message}. A mark goes when its line changes.
  mark(marks) {
    const lines = this.area.value.split('\n');
    this.marks = marks.filter((m) => m.line >= 1 && m.line <= lines.length).map((m) => ({ ...m, text: lines[m.line - 1] }));
    this.draw();
  }

  go(line, column = 1) {
    const lines = this.area.value.split('\n');
    const before = lines.slice(0, line - 1).reduce((n, l) => n + l.length + 1, 0);
    const at = Math.min(before + column - 1, before + (lines[line - 1]?.length ?? 0));
    this.area.focus({ preventScroll: true });
    this.area.setSelectionRange(at, at);
    const shown = this.code.children[line - 1];
    if (shown) this.frame.scrollTo(0, Math.max(0, shown.offsetTop - this.frame.clientHeight / 2));
    this.frame.scrollIntoView({ block: 'nearest' });
  }

  key(e) {
    if (e.key === 'Escape') {
      this.leaving = true;
      return;
    }
    const plain = !e.ctrlKey && !e.metaKey && !e.altKey && !e.isComposing;
    const { value, selectionStart: start, selectionEnd: end } = this.area;
    if (e.key === 'Tab' && plain && !this.leaving && !this.area.readOnly) {
      e.preventDefault();
      const c = indented(value, start, end, e.shiftKey, this.indent);
      if (value.slice(c.from, c.to) !== c.insert) this.replace(c.from, c.to, c.insert);
      this.area.setSelectionRange(c.start, c.end);
    }
    if (e.key !== 'Shift') this.leaving = false;
  }

  // replace edits as typing does, so that it can be undone.
  replace(from, to, text) {
    this.area.setSelectionRange(from, to);
    // The browsers' own way takes minutes for thousands of lines.
    const done = text.split('\n').length > MAX_UNDOABLE ? false : text === '' ? document.execCommand('delete') : document.execCommand('insertText', false, text);
    if (!done) {
      this.area.setRangeText(text, from, to, 'end');
      this.area.dispatchEvent(new Event('input', { bubbles: true }));
    }
  }

  // draw makes the overlay again where it differs from what is shown.
  draw() {
    const text = this.area.value;
    const plain = text.length > MAX_COLOURED;
    const lines = linesOf(tokenize(text, plain ? 'text' : this.language));
    const source = text.split('\n');
    const marked = new Map();
    for (const m of this.marks) if (source[m.line - 1] === m.text) marked.set(m.line, m);
    const next = lines.map((tokens, i) => tokens.map((t) => `${t.type}\u0001${t.text}`).join('\u0002') + (marked.has(i + 1) ? `\u0003${marked.get(i + 1).message}` : ''));
    const was = this.shown;
    const common = Math.min(was.length, next.length);
    let head = 0;
    while (head < common && was[head] === next[head]) head++;
    let tail = 0;
    while (tail < common - head && was[was.length - 1 - tail] === next[next.length - 1 - tail]) tail++;
    for (let i = was.length - tail - 1; i >= head; i--) this.code.children[i].remove();
    const fresh = document.createDocumentFragment();
    for (let i = head; i < next.length - tail; i++) fresh.append(lineElement(lines[i], marked.get(i + 1)));
    this.code.insertBefore(fresh, this.code.children[head] ?? null);
    this.shown = next;
    this.number(next.length, marked);
  }

  number(count, marked) {
    while (this.gutter.childElementCount > count) this.gutter.lastElementChild.remove();
    while (this.gutter.childElementCount < count) {
      const n = document.createElement('span');
      n.textContent = String(this.gutter.childElementCount + 1);
      this.gutter.append(n);
    }
    for (const n of this.gutter.querySelectorAll('.marked')) n.classList.remove('marked');
    for (const line of marked.keys()) this.gutter.children[line - 1].classList.add('marked');
  }
}

function lineElement(tokens, mark) {
  const line = document.createElement('span');
  line.className = mark ? 'line marked' : 'line';
  for (const { type, text } of tokens) {
    if (type === '') {
      line.append(text);
      continue;
    }
    const span = document.createElement('span');
    span.className = `t-${type}`;
    span.textContent = text;
    line.append(span);
  }
  if (mark) {
    const note = document.createElement('span');
    note.className = 'line-mark';
    note.textContent = mark.message;
    line.append(note);
  }
  line.append('\n');
  return line;
}
