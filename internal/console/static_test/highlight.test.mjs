import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';

import { languageOf, tokenize } from '../static/highlight.js';

// coloured returns the tokens of one type.
const of = (type, text, language = 'javascript') => tokenize(text, language).filter((t) => t.type === type).map((t) => t.text);

test('javascript', () => {
  const cases = [
    // what, text, type, tokens
    ['keywords and names', 'const handler = async (event) => { return event; }', 'keyword', ['const', 'async', 'return']],
    ['export', 'export { handler };', 'keyword', ['export']],
    ['a keyword as a property', 'a.default.new.if', 'keyword', []],
    ['a keyword as a key', 'x = { if: 1, default: 2 }', 'keyword', ['default']],
    ['constants', 'x = true ?? null', 'constant', ['true', 'null']],
    ['numbers', '1 0xff 1_000n .5 1e-3 0b11', 'number', ['1', '0xff', '1_000n', '.5', '1e-3', '0b11']],
    ['calls', 'a.b(c(1))', 'function', ['b', 'c']],
    ['strings', `'a\\'b' + "c"`, 'string', [`'a\\'b'`, '"c"']],
    ['a string that is not closed ends with its line', `x = 'abc\ny = 1`, 'string', [`'abc`]],
    ['comments', 'a // b "c"\n/* d\n` */ e', 'comment', ['// b "c"', '/* d\n` */']],
    ['a comment that is not closed', 'a /* b', 'comment', ['/* b']],
    ['no comment in a string', 'x = "// no"', 'comment', []],
    ['a template', '`a ${b} c`', 'string', ['`a ', ' c`']],
    ['a template in a template', '`a${`b${c}d`}e`', 'string', ['`a', '`b', 'd`', 'e`']],
    ['an object in a template', '`${{a: 1}.a}z`', 'string', ['`', 'z`']],
    ['a template with an escape and a dollar', '`\\` $ $x \\${`', 'string', ['`\\` $ $x \\${`']],
    ['a template that is not closed', '`a ${b', 'string', ['`a ']],
    ['a comment in a template is text', '`// no ${1 /* yes */} /* no */`', 'comment', ['/* yes */']],
    ['a pattern', 'x = /a\\/[/"]b/gi.test(y)', 'regexp', ['/a\\/[/"]b/gi']],
    ['a pattern after return', 'return /a/', 'regexp', ['/a/']],
    ['a pattern as an argument', 's.replace(/"/g, "")', 'regexp', ['/"/g']],
    ['division', 'a / b / c', 'regexp', []],
    ['division of a call', 'f(a) / b / g', 'regexp', []],
    ['division after an index', 'a[0] / b / g', 'regexp', []],
    ['division after a number', '4 / 2 / 1', 'regexp', []],
    ['division after a template', '`a` / b / c', 'regexp', []],
    ['division after a postfix', 'i++ / 2 / 3', 'regexp', []],
    ['division after an object', 'x = {a: 1} / 2 / 3', 'regexp', []],
    ['a pattern after a condition', 'if (a) /b/.test(c)', 'regexp', ['/b/']],
    ['a pattern after a block', 'if (a) { b } /c/.test(d)', 'regexp', ['/c/']],
    ['a pattern in an arrow', 'x => /a/', 'regexp', ['/a/']],
    ['a pattern after this property is division', 'a.return / b / c', 'regexp', []],
    ['a script line', '#!/usr/bin/env node\nx', 'comment', ['#!/usr/bin/env node']],
  ];
  for (const [what, text, type, want] of cases) assert.deepEqual(of(type, text), want, what);
});

test('json', () => {
  const text = '{"a": "b\\"", "n": -1.5e3, "t": true, "l": [null]}';
  assert.deepEqual(of('property', text, 'json'), ['"a"', '"n"', '"t"', '"l"']);
  assert.deepEqual(of('string', text, 'json'), ['"b\\""']);
  assert.deepEqual(of('number', text, 'json'), ['-1.5e3']);
  assert.deepEqual(of('constant', text, 'json'), ['true', 'null']);
});

test('python', () => {
  const text = 'import json  # a "comment"\n@wraps(f)\ndef handler(event, context):\n    """a\n# no comment"""\n    x = rf\'a{b}\' + "c\\"d"\n    return None if a.is_ else 0x1f\n';
  assert.deepEqual(of('keyword', text, 'python'), ['import', 'def', 'return', 'if', 'else']);
  assert.deepEqual(of('comment', text, 'python'), ['# a "comment"']);
  assert.deepEqual(of('string', text, 'python'), ['"""a\n# no comment"""', "rf'a{b}'", '"c\\"d"']);
  assert.deepEqual(of('constant', text, 'python'), ['None']);
  assert.deepEqual(of('number', text, 'python'), ['0x1f']);
  assert.deepEqual(of('function', text, 'python'), ['@wraps', 'handler']);
});

test('the language follows the ending', () => {
  const cases = { 'index.mjs': 'javascript', 'a/b.JS': 'javascript', 'x.cjs': 'javascript', 'package.json': 'json', 'app.py': 'python', bootstrap: 'text', 'a.js/README': 'text' };
  for (const [name, want] of Object.entries(cases)) assert.equal(languageOf(name), want, name);
});

test('the tokens of any text add up to it', () => {
  const parts = ['`', '${', '}', '{', '(', ')', '/', '//', '/*', '*/', '\\', '"', "'", '\n', '\r\n', ' ', 'a', 'if', 'return', '0', '.', '#', '@', '"""', "'''", 'f', '\u{1f600}', '\ud800', '\u2028', 'é', '\0', '[', ']', '++', '=>', '<script>'];
  let seed = 42;
  const random = (n) => (seed = (seed * 48271) % 0x7fffffff) % n;
  for (let i = 0; i < 20_000; i++) {
    const text = Array.from({ length: random(14) }, () => parts[random(parts.length)]).join('');
    for (const language of ['javascript', 'json', 'python', 'text']) {
      const tokens = tokenize(text, language);
      assert.equal(tokens.map((t) => t.text).join(''), text, `${language}: ${JSON.stringify(text)}`);
      assert.ok(tokens.every((t) => t.text !== ''), `an empty token in ${JSON.stringify(text)}`);
    }
  }
});

test('our own modules are cut without loose ends', () => {
  const dir = new URL('../static/', import.meta.url);
  const files = readdirSync(dir).filter((f) => f.endsWith('.js'));
  assert.ok(files.length >= 2);
  for (const f of files) {
    const text = readFileSync(new URL(f, dir), 'utf8');
    const tokens = tokenize(text, 'javascript');
    assert.equal(tokens.map((t) => t.text).join(''), text, f);
    for (const t of tokens.filter((t) => t.type === 'regexp')) assert.doesNotThrow(() => new Function(`return ${t.text}`), `${f}: ${t.text}`);
    // After } a token that begins with a quote is the text of a template.
    const strings = tokens.filter((t, i) => t.type === 'string' && /^['"]/.test(t.text) && !tokens[i - 1]?.text.endsWith('}'));
    for (const t of strings) assert.equal(t.text[0], t.text.at(-1), `${f}: ${t.text}`);
  }
});

test('two hundred kilobytes take no second', () => {
  const text = 'const a = `x ${b / 2} y`; // comment\nif (a) { return /re/.test("s"); }\n'.repeat(3000);
  const before = performance.now();
  assert.ok(tokenize(text, 'javascript').length > 10_000);
  assert.ok(performance.now() - before < 5000, 'the time is not proportional to the text');
});
