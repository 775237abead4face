import assert from 'node:assert/strict';
import { test } from 'node:test';

import { failure, frames, report, shortened } from '../static/run.js';

test('the report of a cold and of a warm run', () => {
  const cold = 'START RequestId: 1 Version: $LATEST\nhello\nEND RequestId: 1\nREPORT RequestId: 1-a\tDuration: 2.13 ms\tBilled Duration: 45 ms\tMemory Size: 128 MB\tMax Memory Used: 61 MB\tInit Duration: 42.01 ms\n';
  assert.deepEqual(report(cold), { requestId: '1-a', duration: 2.13, billed: 45, memory: 128, used: 61, init: 42.01 });
  assert.equal(report(cold.replace(/\tInit.*/, '')).init, null);
  assert.equal(report('no report'), null);
  assert.equal(report(''), null);
});

test('a function that prints a report of its own does not replace the real one', () => {
  const log = 'REPORT RequestId: x\tDuration: 1.00 ms\nREPORT RequestId: y\tDuration: 2.00 ms';
  assert.equal(report(log).requestId, 'y');
});

const files = ['index.mjs', 'lib/db.mjs', 'db.mjs', 'my file.mjs', 'app.py', 'lib/rules.py'];
const where = (payload) => frames(failure(JSON.stringify(payload)), files).map((f) => `${f.file}:${f.line}:${f.column}`);

test('places in traces', () => {
  const cases = [
    ['a Node.js error', { errorType: 'TypeError', errorMessage: "Cannot read properties of undefined (reading 'x')", trace: [
      "TypeError: Cannot read properties of undefined (reading 'x')",
      '    at find (file:///var/task/lib/db.mjs:7:21)',
      '    at Runtime.handler (file:///var/task/index.mjs:3:9)',
      '    at node:internal/process/task_queues:95:5',
    ] }, ['lib/db.mjs:7:21', 'index.mjs:3:9']],
    ['without a name, after await', { trace: ['Error: x', '    at file:///tmp/a-1/index.mjs:2:9', '    at async file:///tmp/a-1/db.mjs:4:1', '    at async handler (/srv/x/index.mjs:9:2)'] },
      ['index.mjs:2:9', 'db.mjs:4:1', 'index.mjs:9:2']],
    ['a name that is escaped in an address', { trace: ['    at f (file:///var/task/my%20file.mjs:1:2)'] }, ['my file.mjs:1:2']],
    ['QuickJS has no columns', { trace: ['Error: x', '    at handler (/var/task/index.mjs:5)'] }, ['index.mjs:5:1']],
    ['code of others', { trace: ['    at f (node:fs:1:2)', '    at g (/usr/lib/other.mjs:1:2)', '    at <anonymous>'] }, []],
    ['Python, innermost last', { errorType: 'KeyError', errorMessage: "'x'", stackTrace: [
      '  File "/var/task/app.py", line 4, in handler\n    return rules.check(event)\n', '  File "/var/task/lib/rules.py", line 2, in check\n    event["x"]\n',
    ] }, ['lib/rules.py:2:1', 'app.py:4:1']],
    ['a syntax error of Python', { errorType: 'Runtime.UserCodeSyntaxError', errorMessage: "Syntax error in module 'app': invalid syntax (app.py, line 3)", stackTrace: [] }, ['app.py:3:1']],
    ['a syntax error of a script', { trace: ['/var/task/db.mjs:3', '  return e e;', '           ^', 'SyntaxError: Unexpected identifier'] }, ['db.mjs:3:1']],
    ['no trace', { errorMessage: 'x' }, []],
    ['rubbish', { trace: 7, errorMessage: ['a'], errorType: {} }, []],
  ];
  for (const [what, payload, want] of cases) assert.deepEqual(where(payload), want, what);
});

test('failures of any form are read', () => {
  assert.deepEqual(failure('not json'), { type: 'Error', message: 'not json', trace: [] });
  assert.deepEqual(failure('null'), { type: 'Error', message: 'null', trace: [] });
  assert.deepEqual(failure('{"errorType":"E","errorMessage":"m"}'), { type: 'E', message: 'm', trace: [] });
});

test('a trace is shown without the folder of the package', () => {
  const error = failure(JSON.stringify({ trace: ['Error: x', '    at f (file:///srv/code/1/lib/db.mjs:7:21)', '    at node:events:1:2'] }));
  assert.equal(shortened(error.trace, frames(error, files)), 'Error: x\n    at f (lib/db.mjs:7:21)\n    at node:events:1:2');
  assert.equal(shortened(['a', 'b'], []), 'a\nb');
});
