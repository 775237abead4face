// What a function finds around it when there is no Node.js: a small part of
// Node's globals, CommonJS, and the handling of events. The native part is
// quickjs.go; what is missing is listed there.
(() => {
  'use strict';
  const native = globalThis.__native;
  delete globalThis.__native;
  const { parse, stringify } = JSON;
  const MAX_RESPONSE = 6 * 1024 * 1024 + 100;
  const env = parse(native('env'));
  const root = env.LAMBDA_TASK_ROOT;

  // ---- text

  class TextEncoder {
    get encoding() { return 'utf-8'; }
    encode(s = '') {
      s = String(s);
      const out = new Uint8Array(s.length * 3);
      let n = 0;
      for (const ch of s) {
        let c = ch.codePointAt(0);
        if (c >= 0xd800 && c <= 0xdfff) c = 0xfffd;
        if (c < 0x80) {
          out[n++] = c;
        } else if (c < 0x800) {
          out[n++] = 0xc0 | (c >> 6);
          out[n++] = 0x80 | (c & 63);
        } else if (c < 0x10000) {
          out[n++] = 0xe0 | (c >> 12);
          out[n++] = 0x80 | ((c >> 6) & 63);
          out[n++] = 0x80 | (c & 63);
        } else {
          out[n++] = 0xf0 | (c >> 18);
          out[n++] = 0x80 | ((c >> 12) & 63);
          out[n++] = 0x80 | ((c >> 6) & 63);
          out[n++] = 0x80 | (c & 63);
        }
      }
      return out.slice(0, n);
    }
  }

  class TextDecoder {
    get encoding() { return 'utf-8'; }
    decode(input) {
      if (input === undefined) return '';
      const b = input instanceof ArrayBuffer ? new Uint8Array(input) : new Uint8Array(input.buffer, input.byteOffset, input.byteLength);
      let s = '';
      for (let i = 0; i < b.length;) {
        const c = b[i++];
        const more = c < 0x80 ? 0 : c >= 0xc2 && c < 0xe0 ? 1 : c >= 0xe0 && c < 0xf0 ? 2 : c >= 0xf0 && c < 0xf5 ? 3 : -1;
        if (more === 0) { s += String.fromCharCode(c); continue; }
        let v = more < 0 ? 0 : c & (0x3f >> more);
        let ok = more > 0;
        let n = 0;
        for (; ok && n < more; n++) {
          const d = b[i + n];
          if (d === undefined || (d & 0xc0) !== 0x80) ok = false;
          else v = (v << 6) | (d & 0x3f);
        }
        if (ok && (v >= [0, 0x80, 0x800, 0x10000][more]) && v < 0x110000 && !(v >= 0xd800 && v < 0xe000)) {
          s += String.fromCodePoint(v);
          i += more;
        } else {
          s += '\ufffd';
        }
      }
      return s;
    }
  }

  const B64 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
  function toBase64(bytes) {
    let s = '';
    for (let i = 0; i < bytes.length; i += 3) {
      const v = (bytes[i] << 16) | ((bytes[i + 1] || 0) << 8) | (bytes[i + 2] || 0);
      s += B64[v >> 18] + B64[(v >> 12) & 63] + (i + 1 < bytes.length ? B64[(v >> 6) & 63] : '=') + (i + 2 < bytes.length ? B64[v & 63] : '=');
    }
    return s;
  }
  function fromBase64(text) {
    const out = [];
    let v = 0;
    let bits = 0;
    for (const ch of text.replace(/-/g, '+').replace(/_/g, '/')) {
      const d = B64.indexOf(ch);
      if (d < 0) continue;
      v = ((v << 6) | d) & 0xffffff;
      bits += 6;
      if (bits >= 8) { bits -= 8; out.push((v >> bits) & 255); }
    }
    return out;
  }

  // Buffer as far as token functions use it: from, toString, concat, byteLength.
  class Buffer extends Uint8Array {
    static from(v, encoding = 'utf8') {
      if (typeof v !== 'string') return new Buffer(v);
      switch (encoding) {
        case 'base64': case 'base64url': return new Buffer(fromBase64(v));
        case 'hex': return new Buffer((v.match(/[0-9a-f]{2}/gi) || []).map((h) => parseInt(h, 16)));
        case 'latin1': case 'binary': case 'ascii': return new Buffer([...v].map((c) => c.charCodeAt(0) & 255));
        default: return new Buffer(new TextEncoder().encode(v));
      }
    }
    static alloc(n) { return new Buffer(n); }
    static isBuffer(v) { return v instanceof Buffer; }
    static byteLength(v, encoding) { return typeof v === 'string' ? Buffer.from(v, encoding).length : v.byteLength; }
    static concat(list) {
      const out = new Buffer(list.reduce((n, b) => n + b.length, 0));
      let at = 0;
      for (const b of list) { out.set(b, at); at += b.length; }
      return out;
    }
    toString(encoding = 'utf8') {
      switch (encoding) {
        case 'base64': return toBase64(this);
        case 'base64url': return toBase64(this).replace(/\+/g, '-').replace(/\//g, '_').replace(/=/g, '');
        case 'hex': return [...this].map((b) => b.toString(16).padStart(2, '0')).join('');
        case 'latin1': case 'binary': case 'ascii': return [...this].map((b) => String.fromCharCode(b)).join('');
        default: return new TextDecoder().decode(this);
      }
    }
    toJSON() { return { type: 'Buffer', data: [...this] }; }
  }

  function structuredClone(value) {
    const seen = new Map();
    const clone = (v) => {
      if (typeof v === 'function' || typeof v === 'symbol') throw new TypeError('value could not be cloned');
      if (v === null || typeof v !== 'object') return v;
      if (seen.has(v)) return seen.get(v);
      const keep = (c) => { seen.set(v, c); return c; };
      if (v instanceof Date) return keep(new Date(v));
      if (v instanceof RegExp) return keep(new RegExp(v.source, v.flags));
      if (v instanceof Map) { const c = keep(new Map()); for (const [k, x] of v) c.set(clone(k), clone(x)); return c; }
      if (v instanceof Set) { const c = keep(new Set()); for (const x of v) c.add(clone(x)); return c; }
      if (v instanceof ArrayBuffer) return keep(v.slice(0));
      if (ArrayBuffer.isView(v)) return keep(v.slice());
      if (v instanceof Error) { const c = keep(new v.constructor(v.message)); c.stack = v.stack; return c; }
      const c = keep(Array.isArray(v) ? [] : {});
      for (const k of Object.keys(v)) c[k] = clone(v[k]);
      return c;
    };
    return clone(value);
  }

  // ---- inspection

  function show(v, depth = 0, seen = []) {
    if (typeof v === 'string') return depth === 0 ? v : `'${v.replace(/\\/g, '\\\\').replace(/'/g, "\\'").replace(/\n/g, '\\n')}'`;
    if (typeof v === 'bigint') return `${v}n`;
    if (typeof v === 'function') return v.name ? `[Function: ${v.name}]` : '[Function (anonymous)]';
    if (v === null || typeof v !== 'object') return String(v);
    if (seen.includes(v)) return '[Circular]';
    if (v instanceof Error) return stackOf(v).join('\n');
    if (v instanceof Date) return isNaN(v) ? 'Invalid Date' : v.toISOString();
    if (v instanceof RegExp) return String(v);
    const below = [...seen, v];
    const inner = (x) => (depth >= 2 && x !== null && typeof x === 'object' ? (Array.isArray(x) ? '[Array]' : '[Object]') : show(x, depth + 1, below));
    if (v instanceof Map) return `Map(${v.size}) { ${[...v].map(([k, x]) => `${inner(k)} => ${inner(x)}`).join(', ')} }`;
    if (v instanceof Set) return `Set(${v.size}) { ${[...v].map(inner).join(', ')} }`;
    if (v instanceof Promise) return 'Promise {}';
    if (Array.isArray(v)) return v.length ? `[ ${v.slice(0, 100).map(inner).join(', ')}${v.length > 100 ? `, ... ${v.length - 100} more items` : ''} ]` : '[]';
    const keys = Object.keys(v);
    const name = v.constructor && v.constructor !== Object && v.constructor.name ? `${v.constructor.name} ` : '';
    if (keys.length === 0) return `${name}{}`;
    return `${name}{ ${keys.map((k) => `${/^[A-Za-z_$][\w$]*$/.test(k) ? k : `'${k}'`}: ${inner(v[k])}`).join(', ')} }`;
  }

  function format(...args) {
    let out = '';
    if (typeof args[0] === 'string' && args.length > 1) {
      out = args.shift().replace(/%([sdifjoOc%])/g, (all, kind) => {
        if (kind === '%') return '%';
        if (args.length === 0) return all;
        const v = args.shift();
        switch (kind) {
          case 's': return typeof v === 'object' && v !== null ? show(v, 1) : String(v);
          case 'd': return String(Number(v));
          case 'i': return String(parseInt(v, 10));
          case 'f': return String(parseFloat(v));
          case 'j': return stringify(v);
          case 'c': return '';
          default: return show(v, 1);
        }
      });
      if (args.length) out += ' ';
    }
    return out + args.map((a) => show(a)).join(' ');
  }

  // ---- log

  let current;
  function log(level, args) {
    native('log', `${new Date().toISOString()}\t${current === undefined ? 'undefined' : current.id}\t${level}\t${format(...args)}`);
  }
  const console = {};
  for (const [method, level] of [['trace', 'TRACE'], ['debug', 'DEBUG'], ['log', 'INFO'], ['info', 'INFO'], ['warn', 'WARN'], ['error', 'ERROR']]) {
    console[method] = (...args) => log(level, args);
  }

  // ---- timers

  let nextTimer = 1;
  const timers = new Map();
  function arm(f, delay, args, repeat) {
    if (typeof f !== 'function') throw new TypeError('callback must be a function');
    const id = nextTimer++;
    delay = Math.min(Math.max(Number(delay) || 1, 1), 2 ** 31 - 1);
    const handle = { id, unref() { return this; }, ref() { return this; }, hasRef: () => true, [Symbol.toPrimitive]: () => id };
    timers.set(id, { f, args, repeat: repeat ? delay : 0 });
    native('timer', id, delay);
    return handle;
  }
  function disarm(handle) {
    const id = Number(handle);
    if (timers.delete(id)) native('untimer', id);
  }
  function fire(id) {
    const t = timers.get(id);
    if (t === undefined) return;
    if (t.repeat) native('timer', id, t.repeat);
    else timers.delete(id);
    try { t.f(...t.args); } catch (e) { die(e); }
  }

  // ---- globals

  const process = {
    env, argv: ['quickjs', `${root}/${env._HANDLER}`], platform: native('platform'), arch: native('arch'), pid: 1,
    version: 'v0.0.0', versions: { quickjs: native('version') }, release: { name: 'quickjs' },
    cwd: () => root, exit: (code = 0) => native('exit', code), uptime: () => (Date.now() - started) / 1000,
    nextTick: (f, ...args) => { Promise.resolve().then(() => f(...args)); },
    hrtime: Object.assign(() => { const n = Date.now(); return [Math.floor(n / 1000), (n % 1000) * 1e6]; }, { bigint: () => BigInt(Date.now()) * 1000000n }),
    memoryUsage: () => ({ rss: native('rss') * 1024 }), emitWarning: (w) => log('WARN', [w]),
    on() { return process; }, once() { return process; }, off() { return process; }, removeListener() { return process; },
    stdout: { write: (s) => { native('write', 1, String(s)); return true; } }, stderr: { write: (s) => { native('write', 2, String(s)); return true; } },
  };
  const started = Date.now();
  const define = (entries) => {
    for (const [name, value] of Object.entries(entries)) {
      Object.defineProperty(globalThis, name, { value, writable: true, configurable: true, enumerable: false });
    }
  };
  define({
    global: globalThis, console, process, Buffer, TextEncoder, TextDecoder, structuredClone,
    setTimeout: (f, delay, ...args) => arm(f, delay, args, false), setInterval: (f, delay, ...args) => arm(f, delay, args, true),
    setImmediate: (f, ...args) => arm(f, 1, args, false), clearTimeout: disarm, clearInterval: disarm, clearImmediate: disarm,
    queueMicrotask: (f) => { Promise.resolve().then(f); },
    atob: (s) => Buffer.from(s, 'base64').toString('latin1'), btoa: (s) => Buffer.from(s, 'latin1').toString('base64'),
  });

  // ---- CommonJS

  const builtins = {
    process, buffer: { Buffer }, console, util: { format, inspect: (v) => show(v, 1), promisify: (f) => (...args) => new Promise((ok, no) => { f(...args, (e, v) => (e ? no(e) : ok(v))); }), TextEncoder, TextDecoder },
    timers: { setTimeout: globalThis.setTimeout, clearTimeout: disarm, setInterval: globalThis.setInterval, clearInterval: disarm, setImmediate: globalThis.setImmediate },
  };
  const cache = new Map();
  function requireFrom(base, name) {
    const plain = name.replace(/^node:/, '');
    if (Object.hasOwn(builtins, plain)) return builtins[plain];
    const file = native('resolve', base, name, true);
    if (file.endsWith('.mjs')) throw new Error(`require() of ES module ${file} is not supported`);
    const known = cache.get(file);
    if (known !== undefined) return known.exports;
    const module = { exports: {}, id: file, filename: file, loaded: false };
    cache.set(file, module);
    try {
      const text = native('read', file);
      if (file.endsWith('.json')) {
        module.exports = parse(text);
      } else {
        const require = Object.assign((n) => requireFrom(file, n), { resolve: (n) => native('resolve', file, n, true), cache: {} });
        const body = new Function('exports', 'require', 'module', '__filename', '__dirname', text.replace(/^#!.*/, ''));
        body.call(module.exports, module.exports, require, module, file, file.replace(/\/[^/]*$/, ''));
      }
      module.loaded = true;
    } catch (e) {
      cache.delete(file);
      throw e;
    }
    return module.exports;
  }

  // ---- errors

  function stackOf(e) {
    const frames = String(e.stack || '').split('\n').map((l) => l.trimEnd()).filter(Boolean);
    return [`${e.name}: ${e.message}`, ...frames];
  }
  const isError = (e) => e instanceof Error || Boolean(e && e.name && e.message && e.stack);
  function errorPayload(e) {
    try {
      if (isError(e)) return { errorType: String(e.name), errorMessage: String(e.message), trace: stackOf(e) };
      return { errorType: typeof e, errorMessage: String(e), trace: [] };
    } catch {
      return { errorType: 'handled', errorMessage: 'callback called with Error argument, but there was a problem while retrieving one or more of its message, name, and stack', trace: [] };
    }
  }
  function runtimeError(name, message) {
    const e = new Error(message);
    e.name = name;
    return e;
  }
  function logError(what, { trace, ...rest }) {
    log('ERROR', [`${what} \t${stringify({ ...rest, stack: trace })}`]);
  }

  // ---- events

  function finish(call, type, text) {
    if (current !== call) return;
    current = undefined;
    native('answer', type, call.id, text);
  }
  function fail(call, error) {
    if (current !== call) return;
    const payload = errorPayload(error);
    logError('Invoke Error', payload);
    finish(call, 'E', stringify(payload));
  }
  function succeed(call, value) {
    if (current !== call) return;
    let text;
    try {
      text = stringify(value === undefined ? null : value);
      if (text === undefined) throw new TypeError('no JSON form');
    } catch {
      fail(call, runtimeError('Runtime.MarshalError', 'Unable to stringify response body'));
      return;
    }
    if (text.length * 3 > MAX_RESPONSE) {
      const size = native('size', text);
      if (size > MAX_RESPONSE) {
        fail(call, runtimeError('Function.ResponseSizeTooLarge', `Response payload size (${size} bytes) exceeded maximum allowed payload size (${MAX_RESPONSE} bytes).`));
        return;
      }
    }
    finish(call, 'S', text);
  }
  function settle(call, error, value) {
    if (call.settled) return;
    call.settled = true;
    if (error !== undefined && error !== null) fail(call, error);
    else if (call.waitForEmptyLoop) call.onEmpty = () => succeed(call, value);
    else succeed(call, value);
  }
  function die(error) {
    const payload = errorPayload(error);
    logError('Uncaught Exception', payload);
    if (current !== undefined) native('answer', 'X', current.id, stringify(payload));
    else native('init', 'F', stringify(payload));
    native('exit', 129);
  }

  let handlerFunction;
  const entry = {
    fire,
    names: (file) => stringify(Object.keys(requireFrom(file, file)).filter((k) => k !== 'default' && /^[A-Za-z_$][\w$]*$/.test(k))),
    require: (file) => requireFrom(file, file),
    builtin: (name) => builtins[name],
    builtinNames: (name) => stringify(Object.hasOwn(builtins, name) ? Object.keys(builtins[name]) : []),
    empty() {
      const call = current;
      if (call === undefined) return;
      if (call.onEmpty !== undefined) call.onEmpty();
      else if (call.promised) fail(call, runtimeError('Runtime.NodeJsExit', 'A Promise of the function was never settled.'));
      else succeed(call, null);
    },
    load(file, name, shown, missing) {
      const give = (loaded) => {
        const walk = (from) => name.split('.').reduce((o, key) => (o === undefined || o === null ? undefined : o[key]), from);
        let found = walk(loaded);
        if (found === undefined && loaded && loaded.default) found = walk(loaded.default);
        if (found === undefined || found === null) throw runtimeError('Runtime.HandlerNotFound', `${shown}.${name} is undefined or not exported`);
        if (typeof found !== 'function') throw runtimeError('Runtime.HandlerNotFound', `${shown}.${name} is not a function`);
        handlerFunction = found;
        native('init', 'R', '');
      };
      const refuse = (e) => {
        let err = e;
        const message = String(e && e.message).replace(/^module \w+ failed: /, '');
        if (e instanceof SyntaxError) err = runtimeError('Runtime.UserCodeSyntaxError', `SyntaxError: ${message}`);
        else if (/^Cannot find (module|package) /.test(message)) err = runtimeError('Runtime.ImportModuleError', `Error: ${message}`);
        if (err !== e && e && e.stack) err.stack = e.stack;
        const payload = errorPayload(err);
        logError('Uncaught Exception', payload);
        native('init', 'F', stringify(payload));
      };
      if (missing) { refuse(runtimeError(missing, shown)); return; }
      Promise.resolve().then(() => (native('module', file) ? import(file) : requireFrom(file, file))).then(give).catch(refuse);
    },
    invoke(id, metaText, text) {
      const meta = parse(metaText);
      const call = { id, settled: false, promised: false, waitForEmptyLoop: true, onEmpty: undefined };
      current = call;
      if (meta.trace) env._X_AMZN_TRACE_ID = meta.trace;
      else delete env._X_AMZN_TRACE_ID;
      const context = {
        get callbackWaitsForEmptyEventLoop() { return call.waitForEmptyLoop; },
        set callbackWaitsForEmptyEventLoop(value) { call.waitForEmptyLoop = Boolean(value); },
        functionVersion: env.AWS_LAMBDA_FUNCTION_VERSION, functionName: env.AWS_LAMBDA_FUNCTION_NAME,
        memoryLimitInMB: env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE, logGroupName: env.AWS_LAMBDA_LOG_GROUP_NAME,
        logStreamName: env.AWS_LAMBDA_LOG_STREAM_NAME, clientContext: meta.client, identity: undefined,
        invokedFunctionArn: meta.arn, awsRequestId: id,
        getRemainingTimeInMillis: () => Math.max(0, meta.deadline - Date.now()),
        done: (error, value) => { settle(call, error, value); },
        fail: (error) => { settle(call, error === undefined || error === null ? 'handled' : error); },
        succeed: (value) => { settle(call, null, value); },
      };
      try {
        const result = handlerFunction(parse(text), context, (error, value) => settle(call, error, value));
        if (result !== null && result !== undefined && typeof result.then === 'function') {
          call.promised = true;
          result.then((value) => succeed(call, value), (e) => fail(call, e === undefined ? 'undefined' : e));
        } else if (result !== undefined && handlerFunction.length < 3) {
          succeed(call, result);
        }
      } catch (e) {
        fail(call, e);
      }
    },
  };
  Object.defineProperty(globalThis, '__rockpool', { value: Object.freeze(entry), enumerable: false });
})();
