import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';

import { base64, crc32, dosTime, fromBase64, isFolder, isLink, pack, readZip, unpack, writeZip, ZipError } from '../static/zip.js';

const MB = 1 << 20;
const bytes = (text) => new TextEncoder().encode(text);
const text = (b) => new TextDecoder().decode(b);

function hasTools() {
  try {
    execFileSync('zip', ['-v'], { stdio: 'ignore' });
    execFileSync('unzip', ['-v'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}
// CI has to run all of them, so there it fails where they are missing.
const needsTools = { skip: hasTools() || process.env.CI === 'true' ? false : 'install zip and unzip to run this' };

function folder(t) {
  const dir = mkdtempSync(join(tmpdir(), 'zip-'));
  t.after(() => rmSync(dir, { recursive: true }));
  return dir;
}

test('crc32 has the check value of the standard', () => {
  assert.equal(crc32(bytes('123456789')), 0xcbf43926);
  assert.equal(crc32(new Uint8Array()), 0);
});

test('base64 goes there and back, at every length around its pieces', () => {
  for (const n of [0, 1, 2, 3, 24572, 24573, 24574, 60000]) {
    const b = Uint8Array.from({ length: n }, (_, i) => (i * 7) & 255);
    assert.equal(base64(b), Buffer.from(b).toString('base64'));
    assert.deepEqual(fromBase64(base64(b)), b);
  }
});

test('dosTime packs a date and stays within its years', () => {
  assert.equal(dosTime(new Date(1980, 0, 1, 0, 0, 0)), 0x00210000);
  assert.equal(dosTime(new Date(1970, 5, 1)), (6 << 21 | 1 << 16) >>> 0);
});

test('what is written is read again', async () => {
  const contents = { 'index.mjs': 'export {};\r\n'.repeat(200), 'a/b.txt': 'x', 'empty.js': '', 'ümlaut.json': '{}' };
  const entries = [];
  for (const [name, content] of Object.entries(contents)) entries.push(await pack(name, bytes(content)));
  const again = readZip(writeZip(entries));
  assert.deepEqual(again.map((e) => e.name), Object.keys(contents));
  assert.equal(again[0].method, 8, 'text that repeats is compressed');
  assert.equal(again[1].method, 0, 'one byte is not');
  for (const e of again) assert.equal(text(await unpack(e, MB)), contents[e.name]);
});

test('unzip reads what we write, and gets modes and links', needsTools, async (t) => {
  const dir = folder(t);
  const link = { ...(await pack('link', bytes('bootstrap'))), mode: 0o120777 };
  const file = join(dir, 'a.zip');
  writeFileSync(file, writeZip([await pack('bootstrap', bytes('#!/bin/sh\n'), 0o100755), link, await pack('lib/ünï.js', bytes('1;'.repeat(999)))]));
  execFileSync('unzip', ['-tq', file]);
  execFileSync('unzip', ['-q', file, '-d', join(dir, 'out')], { env: { ...process.env, LC_ALL: 'C.UTF-8' } });
  assert.equal(statSync(join(dir, 'out/bootstrap')).mode & 0o777, 0o755);
  assert.equal(readFileSync(join(dir, 'out/link'), 'utf8'), '#!/bin/sh\n');
  assert.equal(readFileSync(join(dir, 'out/lib/ünï.js'), 'utf8'), '1;'.repeat(999));
});

test('what zip wrote is carried over byte for byte when one file changes', needsTools, async (t) => {
  const dir = folder(t);
  mkdirSync(join(dir, 'in/lib'), { recursive: true });
  writeFileSync(join(dir, 'in/index.mjs'), 'old');
  writeFileSync(join(dir, 'in/lib/data.bin'), Buffer.from([0, 255, 1, 254]));
  writeFileSync(join(dir, 'in/run'), '#!/bin/sh\n');
  chmodSync(join(dir, 'in/run'), 0o755);
  symlinkSync('lib/data.bin', join(dir, 'in/alias'));
  execFileSync('zip', ['-qry', '../a.zip', '.'], { cwd: join(dir, 'in') });

  const entries = readZip(new Uint8Array(readFileSync(join(dir, 'a.zip'))));
  assert.equal(entries.length, 5);
  assert.deepEqual(entries.filter(isFolder).map((e) => e.name), ['lib/']);
  assert.deepEqual(entries.filter(isLink).map((e) => e.name), ['alias']);
  const changed = await Promise.all(entries.map((e) => (e.name === 'index.mjs' ? pack(e.name, bytes('new'), e.mode) : e)));
  writeFileSync(join(dir, 'b.zip'), writeZip(changed));
  execFileSync('unzip', ['-q', 'b.zip', '-d', 'out'], { cwd: dir });
  assert.equal(readFileSync(join(dir, 'out/index.mjs'), 'utf8'), 'new');
  assert.deepEqual([...readFileSync(join(dir, 'out/alias'))], [0, 255, 1, 254]);
  assert.equal(statSync(join(dir, 'out/run')).mode & 0o777, 0o755);
});

test('an archive with a comment, and one that was streamed, are read', needsTools, async (t) => {
  const dir = folder(t);
  writeFileSync(join(dir, 'a'), 'hello hello hello');
  execFileSync('zip', ['-qz', 'c.zip', 'a'], { cwd: dir, input: 'a comment\n' });
  const streamed = execFileSync('zip', ['-q', '-', 'a'], { cwd: dir });
  for (const archive of [readFileSync(join(dir, 'c.zip')), streamed]) {
    const [entry] = readZip(new Uint8Array(archive));
    assert.equal(text(await unpack(entry, MB)), 'hello hello hello');
  }
});

test('damage and excess are errors, not content', async () => {
  const archive = writeZip([await pack('a.js', bytes('abc'.repeat(100)))]);
  assert.throws(() => readZip(bytes('not a zip')), ZipError);
  assert.throws(() => readZip(new Uint8Array()), ZipError);
  for (let n = 1; n < archive.length; n++) assert.throws(() => readZip(archive.subarray(0, n)), ZipError);
  const [entry] = readZip(archive);
  await assert.rejects(unpack(entry, 299), /too large/);
  await assert.rejects(unpack({ ...entry, crc: 1 }, MB), /checksum/);
  await assert.rejects(unpack({ ...entry, packed: entry.packed.subarray(0, 2) }, MB), /damaged/);
  await assert.rejects(unpack({ ...entry, method: 12 }, MB), /method/);
  await assert.rejects(unpack({ ...entry, encrypted: true }, MB), /encrypted/);
  assert.equal((await unpack(entry, 300)).length, 300);
});

test('a bomb is given up at the limit', async () => {
  const bomb = await pack('bomb', new Uint8Array(8 * MB));
  assert.ok(bomb.packed.length < 20_000);
  await assert.rejects(unpack({ ...bomb, size: 1 }, MB), /too large/);
});

test('any bytes at all end in entries or in a ZipError', () => {
  let seed = 1;
  const random = () => (seed = (seed * 48271) % 0x7fffffff) & 255;
  for (let i = 0; i < 500; i++) {
    const noise = Uint8Array.from({ length: 22 + (random() % 200) }, random);
    noise.set([0x50, 0x4b, 5, 6, 0, 0, 0, 0, 1, 0, 1, 0], noise.length - 22);
    noise.set([0, 0], noise.length - 2);
    try {
      readZip(noise);
    } catch (e) {
      assert.ok(e instanceof ZipError, e.stack);
    }
  }
});
