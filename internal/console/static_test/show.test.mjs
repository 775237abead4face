import assert from 'node:assert/strict';
import { test } from 'node:test';

import { pretty, visible } from '../static/show.js';

test('Sec WEB-3: control characters of a log line have no effect', () => {
  assert.equal(visible('\x1b[31mred\x1b[0m \x07\x08\x7f\x9b31m'), '␛[31mred␛[0m ␇␈␡\\u009b31m');
  assert.equal(visible('a\rb'), 'a␍b', 'a carriage return cannot overwrite the line');
  assert.equal(visible('user\u202egnp.exe\u2066'), 'user\\u202egnp.exe\\u2066');
  assert.equal(visible('a\r\nb\tc ü 😀'), 'a\nb\tc ü 😀');
  for (let c = 0; c < 0xa0; c++) {
    const shown = visible(String.fromCharCode(c));
    assert.ok(c === 9 || c === 10 || !/[\0-\x1f\x7f-\x9f]/.test(shown), `U+${c.toString(16)}`);
  }
});

test('JSON is laid out as JSON.stringify does it, digits kept', () => {
  for (const v of [{}, [], { a: {} , b: [[]], c: [1, 'x,{}"', null], d: { e: true } }, 'text', 5, null, [{}, []]]) {
    assert.equal(pretty(JSON.stringify(v)), JSON.stringify(v, null, 2));
    assert.equal(pretty(JSON.stringify(v, null, 7)), JSON.stringify(v, null, 2));
  }
  assert.equal(pretty('{"n":9223372036854775807,"f":1.7976931348623157E308}'), '{\n  "n": 9223372036854775807,\n  "f": 1.7976931348623157E308\n}');
  assert.equal(pretty('no {json'), 'no {json');
  assert.equal(pretty(''), '');
});
