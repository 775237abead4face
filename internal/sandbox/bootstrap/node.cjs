// The part of a Node.js function environment that is not the function: it loads
// the handler, reads events from descriptor 3 and writes answers to it. The
// frames are described in frame.go. Errors and names follow Lambda's runtime.
'use strict';

const fs = require('fs');
const path = require('path');
const net = require('net');
const util = require('util');

const FD = 3;
const MAX_RESPONSE = 6 * 1024 * 1024 + 100;
const MAX_LINE = 256 * 1024; // the host cuts there too, in bytes
const env = process.env;

// Functions may replace globals; what the protocol needs is held here.
const { writeSync } = fs;
const { parse, stringify } = JSON;
const { isNativeError } = util.types;
const reallyExit = process.exit.bind(process);
const pause = new Int32Array(new SharedArrayBuffer(4));

function writeAll(buffer) {
  let offset = 0;
  while (offset < buffer.length) {
    try {
      offset += writeSync(FD, buffer, offset);
    } catch (e) {
      if (e.code !== 'EAGAIN') reallyExit(1); // the host is gone
      Atomics.wait(pause, 0, 0, 1);
    }
  }
}

function send(type, head, text) {
  const size = Buffer.byteLength(text);
  const b = Buffer.allocUnsafe(5 + head.length + size);
  b.writeUInt32BE(head.length + size, 0);
  b[4] = type.charCodeAt(0);
  head.copy(b, 5);
  b.write(text, 5 + head.length);
  writeAll(b);
}

const NOTHING = Buffer.alloc(0);

function answerHead(id) {
  const n = Buffer.byteLength(id);
  const head = Buffer.allocUnsafe(1 + n + 4);
  head[0] = n;
  head.write(id, 1);
  head.writeUInt32BE(process.resourceUsage().maxRSS >>> 0, 1 + n);
  return head;
}

// ---- log

let current; // the event being handled

function log(level, args) {
  const id = current === undefined ? 'undefined' : current.id;
  const text = `${new Date().toISOString()}\t${id}\t${level}\t${util.format(...args)}`;
  send('L', NOTHING, text.length > MAX_LINE ? text.slice(0, MAX_LINE) : text);
}

for (const [method, level] of [
  ['trace', 'TRACE'], ['debug', 'DEBUG'], ['log', 'INFO'],
  ['info', 'INFO'], ['warn', 'WARN'], ['error', 'ERROR'],
]) {
  console[method] = (...args) => log(level, args);
}

// ---- errors

function isError(e) {
  return isNativeError(e) || e instanceof Error || Boolean(e && e.name && e.message && e.stack);
}

function errorPayload(e) {
  try {
    if (isError(e)) {
      return { errorType: String(e.name), errorMessage: String(e.message), trace: String(e.stack ?? '').split('\n') };
    }
    return { errorType: typeof e, errorMessage: String(e), trace: [] };
  } catch {
    return {
      errorType: 'handled',
      errorMessage: 'callback called with Error argument, but there was a problem while retrieving one or more of its message, name, and stack',
      trace: [],
    };
  }
}

function runtimeError(name, message, cause) {
  const e = new Error(message);
  e.name = name;
  if (cause !== undefined && cause.stack) e.stack = `${name}: ${cause.stack}`;
  return e;
}

function logError(what, payload) {
  const { trace, ...rest } = payload;
  log('ERROR', [`${what} \t${stringify({ ...rest, stack: trace })}`]);
}

// ---- answering

function finish(call, type, text) {
  if (current !== call) return; // answered already, or an old event's callback
  current = undefined;
  channel.ref();
  send(type, answerHead(call.id), text);
}

function fail(call, error, what = 'Invoke Error') {
  if (current !== call) return;
  const payload = errorPayload(error);
  logError(what, payload);
  finish(call, 'E', stringify(payload));
}

function succeed(call, value) {
  if (current !== call) return;
  let text;
  try {
    text = stringify(value === undefined ? null : value);
    if (text === undefined) throw new TypeError(`a ${typeof value} has no JSON form`);
  } catch (e) {
    fail(call, runtimeError('Runtime.MarshalError', 'Unable to stringify response body', e));
    return;
  }
  if (text.length * 3 > MAX_RESPONSE) {
    const size = Buffer.byteLength(text);
    if (size > MAX_RESPONSE) {
      const e = runtimeError('Function.ResponseSizeTooLarge',
        `Response payload size (${size} bytes) exceeded maximum allowed payload size (${MAX_RESPONSE} bytes).`);
      e.stack = '';
      fail(call, e);
      return;
    }
  }
  finish(call, 'S', text);
}

// settle is what callback, context.done and their like come to: at once, or
// when the event loop is empty.
function settle(call, error, value) {
  if (call.settled) return;
  call.settled = true;
  const answer = () => {
    if (error !== undefined && error !== null) fail(call, error);
    else succeed(call, value);
  };
  if (call.waitForEmptyLoop && !(error !== undefined && error !== null)) call.onEmpty = answer;
  else answer();
}

process.on('beforeExit', () => {
  const call = current;
  if (call === undefined) return;
  if (call.onEmpty !== undefined) {
    call.onEmpty();
  } else if (call.promised) {
    fail(call, runtimeError('Runtime.NodeJsExit',
      'The Lambda runtime client detected an unexpected Node.js exit code. This is most commonly caused by a Promise that was never settled. For more information, see https://nodejs.org/docs/latest/api/process.html#process_exit_codes'));
  } else {
    succeed(call, null); // a callback that was never called
  }
});

function die(error, what, code) {
  const payload = errorPayload(error);
  logError(what, payload);
  if (current !== undefined) send('X', answerHead(current.id), stringify(payload));
  else if (!ready) send('F', NOTHING, stringify(payload));
  reallyExit(code);
}

process.on('uncaughtException', (e) => die(e, 'Uncaught Exception', 129));
process.on('unhandledRejection', (reason) => {
  const e = runtimeError('Runtime.UnhandledPromiseRejection', isError(reason) ? `${reason.name}: ${reason.message}` : String(reason),
    isError(reason) ? reason : undefined);
  die(e, 'Unhandled Promise Rejection', 128);
});

// ---- the handler

function locate(handler) {
  if (handler.includes('..')) {
    throw runtimeError('Runtime.MalformedHandlerName', `'${handler}' is not a valid handler name. Use absolute paths when possible.`);
  }
  const base = path.basename(handler);
  const dot = base.indexOf('.');
  if (dot <= 0 || dot === base.length - 1) throw runtimeError('Runtime.MalformedHandlerName', 'Bad handler');
  const stem = path.resolve(env.LAMBDA_TASK_ROOT, handler.slice(0, handler.length - base.length), base.slice(0, dot));
  return [stem, base.slice(dot + 1), path.relative(env.LAMBDA_TASK_ROOT, stem)];
}

function isFile(file) {
  const s = fs.statSync(file, { throwIfNoEntry: false });
  return s !== undefined && s.isFile();
}

// isModule decides as Node does for a .js file: by the nearest package.json.
function isModule(file) {
  for (let dir = path.dirname(file); ; dir = path.dirname(dir)) {
    const manifest = path.join(dir, 'package.json');
    if (isFile(manifest)) {
      try {
        return parse(fs.readFileSync(manifest, 'utf8')).type === 'module';
      } catch {
        return false;
      }
    }
    if (dir === path.dirname(dir) || dir === env.LAMBDA_TASK_ROOT) return false;
  }
}

// placeOf finds where a module's syntax error is, which Node keeps to itself:
// the module is compiled as a script, without what only modules may have, and
// what that says is believed if it is the same error. Nothing is run.
function placeOf(error, file) {
  if (/^(?!node:).*:\d+$/.test(error.stack.split('\n')[0])) return ''; // a script's own
  const blank = (text) => text.replace(/[^\r\n]/g, ' ');
  const script = fs.readFileSync(file, 'utf8')
    .replace(/^\s*import\b(?!\s*[.(])[^;'"]*(['"])[^'"\r\n]*\1/gm, blank)
    .replace(/^\s*export\s*(?:\*[^;'"]*|\{[^}]*\}\s*(?:from\s*)?)(?:(['"])[^'"\r\n]*\1)?/gm, blank)
    .replace(/^(\s*)export(\s+)(?:default\b)?/gm, blank)
    .replace(/\bimport\.meta\b/g, (text) => `({${' '.repeat(text.length - 4)}})`);
  for (const [before, after] of [["'use strict';", ''], ["'use strict';(async()=>{", '\n})']]) { // the second for await
    try {
      new (require('vm').Script)(before + script + after, { filename: file });
    } catch (e) {
      const [, line] = /:(\d+)$/.exec(String(e.stack).split('\n')[0]) ?? [];
      if (e instanceof SyntaxError && e.message === error.message && line) return `\n    at ${require('url').pathToFileURL(file).href}:${line}`;
    }
  }
  return '';
}

async function load(handler) {
  const [stem, name, shown] = locate(handler);
  const file = ['.js', '.mjs', '.cjs', ''].map((ext) => stem + ext).find(isFile);
  let loaded;
  try {
    if (file === undefined) {
      loaded = require(stem); // a directory with an index, or the error that says there is nothing
    } else if (file.endsWith('.mjs') || (file.endsWith('.js') && isModule(file))) {
      loaded = await import(require('url').pathToFileURL(file).href);
    } else {
      loaded = require(file);
    }
  } catch (e) {
    if (file === undefined && e && e.code === 'MODULE_NOT_FOUND') {
      throw runtimeError('Runtime.ImportModuleError', `Error: Cannot find module '${shown}'`, e);
    }
    if (e instanceof SyntaxError) {
      const place = file === undefined ? '' : placeOf(e, file);
      throw runtimeError('Runtime.UserCodeSyntaxError', `SyntaxError: ${e.message}`, { stack: e.stack.replace('\n', `${place}\n`) });
    }
    if (e && (e.code === 'MODULE_NOT_FOUND' || e.code === 'ERR_MODULE_NOT_FOUND')) {
      throw runtimeError('Runtime.ImportModuleError', `Error: ${e.message}`, e);
    }
    throw e;
  }
  const walk = (from) => name.split('.').reduce((o, key) => (o === undefined || o === null ? undefined : o[key]), from);
  let found = walk(loaded);
  if (found === undefined && loaded && loaded.default) found = walk(loaded.default);
  if (found === undefined || found === null) {
    throw runtimeError('Runtime.HandlerNotFound', `${shown}.${name} is undefined or not exported`);
  }
  if (typeof found !== 'function') throw runtimeError('Runtime.HandlerNotFound', `${shown}.${name} is not a function`);
  return found;
}

// ---- events

let handlerFunction;
let ready = false;

// Reading the environment is a call into the engine each time, and these are
// reserved: they are the same for every event.
const own = {
  version: env.AWS_LAMBDA_FUNCTION_VERSION,
  name: env.AWS_LAMBDA_FUNCTION_NAME,
  memory: env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE,
  group: env.AWS_LAMBDA_LOG_GROUP_NAME,
  stream: env.AWS_LAMBDA_LOG_STREAM_NAME,
};
let traced = true; // whether _X_AMZN_TRACE_ID may be set

function invoke(id, meta, text) {
  const call = { id, settled: false, promised: false, waitForEmptyLoop: true, onEmpty: undefined };
  current = call;
  if (meta.trace) env._X_AMZN_TRACE_ID = meta.trace;
  else if (traced) delete env._X_AMZN_TRACE_ID;
  traced = Boolean(meta.trace);
  const callback = (error, value) => settle(call, error, value);
  const context = {
    get callbackWaitsForEmptyEventLoop() { return call.waitForEmptyLoop; },
    set callbackWaitsForEmptyEventLoop(value) { call.waitForEmptyLoop = Boolean(value); },
    functionVersion: own.version,
    functionName: own.name,
    memoryLimitInMB: own.memory,
    logGroupName: own.group,
    logStreamName: own.stream,
    clientContext: meta.client,
    identity: undefined,
    invokedFunctionArn: meta.arn,
    awsRequestId: id,
    getRemainingTimeInMillis: () => Math.max(0, meta.deadline - Date.now()),
    done: (error, value) => { settle(call, error, value); },
    fail: (error) => { settle(call, error === undefined || error === null ? 'handled' : error); },
    succeed: (value) => { settle(call, null, value); },
  };
  // With nothing of the host's left in the event loop, beforeExit tells that
  // the function has nothing left to do.
  channel.unref();
  try {
    const result = handlerFunction(parse(text), context, callback);
    if (result !== null && result !== undefined && typeof result.then === 'function') {
      call.promised = true;
      result.then((value) => succeed(call, value), (e) => fail(call, e === undefined ? 'undefined' : e));
    } else if (result !== undefined && handlerFunction.length < 3) {
      succeed(call, result);
    }
  } catch (e) {
    fail(call, e);
  }
}

let pending = [];
let have = 0;
let want = 5;

function onData(chunk) {
  pending.push(chunk);
  have += chunk.length;
  if (have < want) return; // a large event is joined once, not at every chunk
  let b = pending.length === 1 ? chunk : Buffer.concat(pending);
  while (b.length >= 5) {
    const size = b.readUInt32BE(0);
    want = 5 + size;
    if (b.length < want) break;
    const n = b[5];
    const id = b.latin1Slice(6, 6 + n);
    const m = b.readUInt32BE(6 + n);
    const meta = parse(b.utf8Slice(10 + n, 10 + n + m));
    const text = b.utf8Slice(10 + n + m, want);
    b = b.subarray(want);
    want = 5;
    invoke(id, meta, text);
  }
  have = b.length;
  pending = have === 0 ? [] : [b];
}

const channel = new net.Socket({ fd: FD, readable: true, writable: false });
channel.on('data', onData);
channel.on('error', () => reallyExit(0));
channel.on('close', () => reallyExit(0));

load(env._HANDLER).then(
  (f) => {
    handlerFunction = f;
    ready = true;
    send('R', NOTHING, `node ${process.version}`);
  },
  (e) => {
    const payload = errorPayload(e);
    logError('Uncaught Exception', payload);
    send('F', NOTHING, stringify(payload));
    reallyExit(1);
  },
);
