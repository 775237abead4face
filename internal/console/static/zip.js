// Zip archives in the browser: enough to open a deployment package, change some
// of its files and write it again. Entries that nobody changed are carried over
// byte for byte, with their modes and links.

const LOCAL = 0x04034b50;
const CENTRAL = 0x02014b50;
const END = 0x06054b50;
const UTF8 = 0x0800;
const ENCRYPTED = 0x0001;
const MAX_ENTRIES = 50_000; // the server's limit

export class ZipError extends Error {}

const table = new Uint32Array(256).map((_, n) => {
  for (let k = 0; k < 8; k++) n = n & 1 ? (n >>> 1) ^ 0xedb88320 : n >>> 1;
  return n;
});

// crc32 is the checksum of ISO 3309, as zip has it.
export function crc32(bytes) {
  let c = 0xffffffff;
  for (const b of bytes) c = table[(c ^ b) & 0xff] ^ (c >>> 8);
  return (c ^ 0xffffffff) >>> 0;
}

// readZip lists the entries of an archive, in its order. Nothing is unpacked
// until unpack asks for it.
export function readZip(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const end = findEnd(view);
  const count = view.getUint16(end + 10, true);
  let at = view.getUint32(end + 16, true);
  if (count === 0xffff || at === 0xffffffff || count > MAX_ENTRIES) throw new ZipError('This archive is too large to be opened here.');
  const entries = [];
  for (let i = 0; i < count; i++) {
    if (at + 46 > end || view.getUint32(at, true) !== CENTRAL) throw new ZipError('The archive is damaged: its list of files cannot be read.');
    const [nameSize, extraSize, commentSize] = [28, 30, 32].map((o) => view.getUint16(at + o, true));
    const header = view.getUint32(at + 42, true);
    const packedSize = view.getUint32(at + 20, true);
    if (header + 30 > bytes.length || view.getUint32(header, true) !== LOCAL) throw new ZipError('The archive is damaged: a file in it cannot be found.');
    const start = header + 30 + view.getUint16(header + 26, true) + view.getUint16(header + 28, true);
    if (start + packedSize > bytes.length) throw new ZipError('The archive is damaged: a file in it is cut off.');
    const external = view.getUint32(at + 38, true);
    const made = view.getUint16(at + 4, true);
    entries.push({
      name: new TextDecoder().decode(bytes.subarray(at + 46, at + 46 + nameSize)),
      method: view.getUint16(at + 10, true),
      encrypted: (view.getUint16(at + 8, true) & ENCRYPTED) !== 0,
      date: view.getUint32(at + 12, true),
      crc: view.getUint32(at + 16, true),
      size: view.getUint32(at + 24, true),
      mode: made >>> 8 === 3 ? external >>> 16 : 0, // 3: made on Unix
      packed: bytes.subarray(start, start + packedSize),
    });
    at += 46 + nameSize + extraSize + commentSize;
  }
  return entries;
}

// findEnd looks for the end record from the back; a comment may follow it.
function findEnd(view) {
  for (let at = view.byteLength - 22; at >= 0 && at >= view.byteLength - 22 - 0xffff; at--) {
    if (view.getUint32(at, true) === END && at + 22 + view.getUint16(at + 20, true) === view.byteLength) return at;
  }
  throw new ZipError('This is not a zip archive.');
}

export const isFolder = (entry) => entry.name.endsWith('/');
export const isLink = (entry) => (entry.mode & 0o170000) === 0o120000;

// unpack returns the content of an entry. What the archive says of its size is
// not believed: more than limit bytes are an error while they are unpacked.
export async function unpack(entry, limit) {
  if (entry.encrypted) throw new ZipError(`${entry.name} is encrypted.`);
  let content;
  if (entry.method === 0) {
    content = entry.packed;
    if (content.length > limit) throw new ZipError(`${entry.name} is too large.`);
  } else if (entry.method === 8) {
    content = await inflate(entry, limit);
  } else {
    throw new ZipError(`${entry.name} is compressed by a method that is not known here.`);
  }
  if (crc32(content) !== entry.crc) throw new ZipError(`${entry.name} is damaged: its checksum does not fit.`);
  return content;
}

async function inflate(entry, limit) {
  const reader = new Blob([entry.packed]).stream().pipeThrough(new DecompressionStream('deflate-raw')).getReader();
  const chunks = [];
  let size = 0;
  for (;;) {
    let next;
    try {
      next = await reader.read();
    } catch (e) {
      throw new ZipError(`${entry.name} is damaged: it cannot be unpacked.`, { cause: e });
    }
    if (next.done) break;
    size += next.value.length;
    if (size > limit) {
      reader.cancel().catch(() => {}); // it is given up either way
      throw new ZipError(`${entry.name} is too large.`);
    }
    chunks.push(next.value);
  }
  return join(chunks, size);
}

// pack makes an entry of content, compressed where that saves something. mode
// is that of the file it takes the place of.
export async function pack(name, content, mode = 0o100644) {
  const stream = new Blob([content]).stream().pipeThrough(new CompressionStream('deflate-raw'));
  const packed = new Uint8Array(await new Response(stream).arrayBuffer());
  const smaller = packed.length < content.length;
  return {
    name, mode, date: dosTime(new Date()), encrypted: false,
    method: smaller ? 8 : 0, crc: crc32(content), size: content.length, packed: smaller ? packed : content,
  };
}

// dosTime is a time as zip has it: two seconds are its finest step, 1980 its
// first year.
export function dosTime(d) {
  const year = Math.min(Math.max(d.getFullYear(), 1980), 2107);
  const date = ((year - 1980) << 9) | ((d.getMonth() + 1) << 5) | d.getDate();
  const time = (d.getHours() << 11) | (d.getMinutes() << 5) | (d.getSeconds() >> 1);
  return ((date << 16) | time) >>> 0;
}

// writeZip makes an archive of entries.
export function writeZip(entries) {
  const parts = [];
  const directory = [];
  let offset = 0;
  for (const e of entries) {
    const name = new TextEncoder().encode(e.name);
    const common = [
      [2, 20], [2, UTF8 | (e.encrypted ? ENCRYPTED : 0)], [2, e.method], [4, e.date], [4, e.crc], [4, e.packed.length], [4, e.size], [2, name.length],
    ];
    const local = fields([[4, LOCAL], ...common, [2, 0]]);
    const external = e.mode ? (e.mode << 16) >>> 0 : 0;
    const central = fields([[4, CENTRAL], [2, (3 << 8) | 20], ...common, [2, 0], [2, 0], [2, 0], [2, 0], [4, external], [4, offset]]);
    parts.push(local, name, e.packed);
    directory.push(central, name);
    offset += local.length + name.length + e.packed.length;
  }
  const size = directory.reduce((n, p) => n + p.length, 0);
  const end = fields([[4, END], [2, 0], [2, 0], [2, entries.length], [2, entries.length], [4, size], [4, offset], [2, 0]]);
  return join([...parts, ...directory, end], offset + size + end.length);
}

// fields writes numbers of two or four bytes, the lowest first.
function fields(list) {
  const view = new DataView(new ArrayBuffer(list.reduce((n, [size]) => n + size, 0)));
  let at = 0;
  for (const [size, value] of list) {
    if (size === 2) view.setUint16(at, value, true);
    else view.setUint32(at, value, true);
    at += size;
  }
  return new Uint8Array(view.buffer);
}

function join(parts, size) {
  const all = new Uint8Array(size);
  let at = 0;
  for (const p of parts) {
    all.set(p, at);
    at += p.length;
  }
  return all;
}

// base64 encodes bytes. Pieces of a multiple of three bytes can be put together.
export function base64(bytes) {
  let text = '';
  for (let i = 0; i < bytes.length; i += 24573) text += btoa(String.fromCharCode(...bytes.subarray(i, i + 24573)));
  return text;
}

export const fromBase64 = (text) => Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
