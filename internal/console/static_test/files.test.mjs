import assert from 'node:assert/strict';
import { test } from 'node:test';

import { MAX_TEXT, nameProblem, Package, restore, textOf, unify } from '../static/files.js';
import { pack, readZip, unpack, writeZip } from '../static/zip.js';

const bytes = (text) => new TextEncoder().encode(text);

async function open(contents) {
  const entries = [];
  for (const [name, content] of Object.entries(contents)) entries.push(await pack(name, typeof content === 'string' ? bytes(content) : content));
  return new Package(writeZip(entries));
}

async function contents(archive) {
  const all = {};
  for (const e of readZip(archive)) all[e.name] = new TextDecoder('utf-8', { ignoreBOM: true }).decode(await unpack(e, 1 << 24));
  return all;
}

test('text is told from what is not', () => {
  assert.equal(textOf(bytes('grüß\r\n')), 'grüß\r\n');
  assert.equal(textOf(bytes('\ufeffa')), '\ufeffa', 'a byte order mark stays');
  assert.equal(textOf(Uint8Array.of(0x61, 0, 0x62)), null);
  assert.equal(textOf(Uint8Array.of(0xff, 0xfe)), null);
});

test('line endings survive an edit', () => {
  const cases = [
    ['a\r\nb\r\nc', 'a\nB\nc', 'a\r\nB\r\nc'],
    ['a\r\nb\r\n', 'a\nnew\nb\n', 'a\r\nnew\r\nb\r\n'],
    ['a\nb\nc', 'a\nc', 'a\nc'],
    ['a\nb\r\nc\rd', 'a\nb\nC\nd', 'a\nb\r\nC\rd'],
    ['a\nb\r\nc\rd', 'a\nb\nc\nd!', 'a\nb\r\nc\rd!'],
    ['a\nb\r\nc\rd', 'x\na\nb\nc\nd', 'x\na\nb\r\nc\rd'],
    ['', 'a\nb', 'a\nb'],
    ['a\r\n', '', ''],
    ['a\r\na\r\na\r\n', 'a\na\n', 'a\r\na\r\n'],
  ];
  for (const [original, edited, want] of cases) {
    const { text, endings } = unify(original);
    assert.equal(restore(text, text, endings), original, 'without an edit');
    assert.equal(restore(edited, text, endings), want, JSON.stringify(original));
  }
});

test('names are judged as the server does', () => {
  const others = ['index.mjs', 'lib/a.mjs', 'Data', 'empty/'];
  for (const good of ['b.mjs', 'lib/b.mjs', 'ü.json', '.env', 'empty/a', 'a b']) assert.equal(nameProblem(good, others), '', good);
  for (const bad of ['', '/a', 'a//b', '../a', 'a/./b', 'a/', 'a\\b', 'C:x', 'a\nb', 'INDEX.mjs', 'data', 'lib', 'index.mjs/x', 'x'.repeat(1025)]) {
    assert.notEqual(nameProblem(bad, others), '', bad);
  }
});

test('a package is edited, and the rest of it kept', async () => {
  const p = await open({ 'lib/z.mjs': 'z', 'index.mjs': 'a\r\nb\r\n', 'logo.png': Uint8Array.of(0x89, 0, 1), 'big.json': ' '.repeat(MAX_TEXT + 1), 'node_modules/x/index.js': '' });
  assert.deepEqual(p.names(), ['index.mjs', 'big.json', 'logo.png', 'lib/z.mjs', 'node_modules/x/index.js']);
  assert.equal((await p.load('logo.png')).kind, 'binary');
  assert.equal((await p.load('big.json')).kind, 'large');
  const index = await p.load('index.mjs');
  assert.equal(index.text, 'a\nb\n');
  assert.equal(p.dirty, false);

  index.text = 'a\nb\nc\n';
  p.add('new.json', '{}\n');
  p.rename('lib/z.mjs', 'lib/y.mjs');
  p.remove('node_modules/x/index.js');
  assert.equal(p.dirty, true);
  const { bytes: archive, clean } = await p.zip();
  assert.deepEqual(await contents(archive), {
    'lib/y.mjs': 'z', 'index.mjs': 'a\r\nb\r\nc\r\n', 'logo.png': '\ufffd\0\x01', 'big.json': ' '.repeat(MAX_TEXT + 1), 'new.json': '{}\n',
  });
  clean();
  assert.equal(p.dirty, false);
  index.text = 'a\nb\nc\nd\n';
  assert.equal((await contents((await p.zip()).bytes))['index.mjs'], 'a\r\nb\r\nc\r\nd\r\n');
});

test('what is typed while a deployment runs is not called saved', async () => {
  const p = await open({ 'index.mjs': 'a' });
  const f = await p.load('index.mjs');
  f.text = 'b';
  const { clean } = await p.zip();
  f.text = 'c';
  clean();
  assert.equal(p.edited('index.mjs'), true);
  f.text = 'b';
  assert.equal(p.dirty, false);
});
