// The files of a deployment package as the editor sees them. What it does not
// show as text it keeps as it is.

import { isFolder, isLink, pack, readZip, unpack, writeZip } from './zip.js';

export const MAX_TEXT = 512 << 10; // of one file in the editor
export const MAX_PACKAGE = 10 << 20; // of a package that is opened in the browser

const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

// textOf returns content as text, or null if it is not text.
export function textOf(content) {
  if (content.includes(0)) return null;
  try {
    return strict.decode(content);
  } catch {
    return null;
  }
}

// A textarea knows one kind of line ending. unify returns text with that one,
// and the endings that the lines had.
export function unify(text) {
  const endings = text.match(/\r\n|\r|\n/g) ?? [];
  return { text: text.replace(/\r\n?/g, '\n'), endings };
}

// restore gives the lines of edited their endings back: those before and after
// the change keep theirs, new ones get what the file mostly has.
export function restore(edited, original, endings) {
  const now = edited.split('\n');
  const was = original.split('\n');
  const common = Math.min(now.length, was.length);
  let head = 0;
  while (head < common && now[head] === was[head]) head++;
  let tail = 0;
  while (tail < common - head && now[now.length - 1 - tail] === was[was.length - 1 - tail]) tail++;
  const usual = ['\r\n', '\r'].find((e) => endings.filter((x) => x === e).length * 2 > endings.length) ?? '\n';
  return now.map((line, i) => {
    if (i === now.length - 1) return line;
    if (i < head) return line + (endings[i] ?? usual);
    const fromEnd = now.length - 1 - i; // endings are counted between lines
    return line + (fromEnd <= tail ? endings[endings.length - fromEnd] ?? usual : usual);
  }).join('');
}

// nameProblem says what is wrong with a new file's name, as the server would;
// "" if nothing is.
export function nameProblem(name, others) {
  const parts = name.split('/');
  if (name === '') return 'A name is needed.';
  if (new TextEncoder().encode(name).length > 1024) return 'The name is too long.';
  if (/[\\\0-\x1f]/.test(name) || /^.:/.test(name)) return 'The name has characters that are not allowed.';
  if (parts.some((p) => p === '' || p === '.' || p === '..')) return 'The name must be a relative path, such as lib/rules.mjs.';
  const fold = (s) => s.normalize('NFC').toLowerCase();
  const key = fold(name);
  for (const other of others.map(fold)) {
    if (other === key) return 'There is a file of this name, or one that differs only by case.';
    if (other.startsWith(`${key}/`) || (key.startsWith(`${other}/`) && !other.endsWith('/'))) return 'A file cannot be a folder as well.';
  }
  return '';
}

// Package is an archive that is being changed.
export class Package {
  constructor(bytes) {
    this.files = readZip(bytes).map((entry) => ({ name: entry.name, entry }));
    this.changed = false; // files were added, renamed or deleted
  }

  // names lists the files that can be shown, first before all others.
  names(first = 'index.mjs') {
    const shown = this.files.filter((f) => !f.entry || !isFolder(f.entry)).map((f) => f.name);
    const rank = (n) => (n === first ? 0 : n.includes('node_modules/') ? 3 : n.includes('/') ? 2 : 1);
    return shown.sort((a, b) => rank(a) - rank(b) || (a < b ? -1 : 1));
  }

  file(name) { return this.files.find((f) => f.name === name); }

  // load finds out what a file is: its kind is "text", or says why not.
  async load(name) {
    const f = this.file(name);
    if (f.kind) return f;
    if (isLink(f.entry)) f.kind = 'link';
    else if (f.entry.size > MAX_TEXT) f.kind = 'large';
    else {
      const text = textOf(await unpack(f.entry, MAX_TEXT));
      if (text === null) f.kind = 'binary';
      else Object.assign(f, { kind: 'text', ...unify(text) }, { saved: unify(text).text });
    }
    return f;
  }

  add(name, text = '') {
    this.files.push({ name, entry: null, kind: 'text', text, saved: null, endings: [] });
    this.changed = true;
  }

  rename(name, to) {
    this.file(name).name = to;
    this.changed = true;
  }

  remove(name) {
    this.files = this.files.filter((f) => f.name !== name);
    this.changed = true;
  }

  edited(name) {
    const f = this.file(name);
    return f?.kind === 'text' && f.text !== f.saved;
  }

  get dirty() { return this.changed || this.files.some((f) => this.edited(f.name)); }

  // zip returns the archive with all changes. clean says that it was deployed.
  async zip() {
    const packed = await Promise.all(this.files.map(async (f) => {
      if (f.kind !== 'text' || f.text === f.saved) return { ...f.entry, name: f.name };
      const text = f.saved === null ? f.text : restore(f.text, f.saved, f.endings);
      return pack(f.name, new TextEncoder().encode(text), f.entry?.mode || 0o100644);
    }));
    const snapshot = this.files.map((f) => [f, f.text]);
    return {
      bytes: writeZip(packed),
      clean: () => {
        snapshot.forEach(([f, text], i) => {
          f.entry = packed[i];
          if (f.kind !== 'text') return;
          f.endings = unify(f.saved === null ? text : restore(text, f.saved, f.endings)).endings;
          f.saved = text;
        });
        this.changed = this.files.length !== snapshot.length || this.files.some((f, i) => f !== snapshot[i]?.[0] || f.name !== packed[i].name);
      },
    };
  }
}
