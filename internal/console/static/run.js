// What a run of a function says about itself: its measures, and where in the
// code its error came from.

// report reads the REPORT line of a log, or returns null.
export function report(log) {
  const line = log.split('\n').findLast((l) => l.startsWith('REPORT RequestId: '));
  if (!line) return null;
  const fields = {};
  for (const part of line.split('\t')) {
    const [, name, value] = /^(.+?): ([\d.]+)(?: (?:ms|MB))?\s*$/.exec(part) ?? [];
    if (name) fields[name] = Number(value);
  }
  if (fields.Duration === undefined) return null;
  return {
    requestId: line.slice('REPORT RequestId: '.length).split('\t')[0],
    duration: fields.Duration,
    billed: fields['Billed Duration'],
    memory: fields['Memory Size'],
    used: fields['Max Memory Used'],
    init: fields['Init Duration'] ?? null, // only a cold start has one
  };
}

// failure reads the answer of a function that failed, of any runtime.
export function failure(payload) {
  let answer;
  try {
    answer = JSON.parse(payload);
  } catch {
    answer = null;
  }
  const text = (v) => (typeof v === 'string' ? v : '');
  const lines = [answer?.trace, answer?.stackTrace].find(Array.isArray) ?? [];
  return {
    type: text(answer?.errorType) || 'Error',
    message: text(answer?.errorMessage) || (answer === null ? payload : ''),
    trace: lines.map((l) => (Array.isArray(l) ? `  File "${l[0]}", line ${l[1]}, in ${l[2]}` : String(l)).split('\n')).flat().filter((l) => l.trim() !== ''),
  };
}

// frames finds the places in a trace that lie in files of the function, the
// innermost first.
export function frames(error, files) {
  const found = [];
  for (const line of [...error.trace, error.message]) {
    const place = placeOf(line);
    const file = place && fileOf(place.path, files);
    if (file) found.push({ file, line: place.line, column: place.column, folder: place.path.slice(0, -file.length) });
  }
  // Python names the innermost call last.
  const python = error.trace.some((l) => /^\s*File "/.test(l));
  return python ? found.reverse() : found;
}

const patterns = [
  /^\s*File "([^"]+)", line (\d+)/, // Python
  /\(((?:file:\/\/)?[^()]*?):(\d+)(?::(\d+))?\)\s*$/, // at name (path:line:column)
  /^\s*at (?:async )?((?:file:\/\/)?\S.*?):(\d+)(?::(\d+))?\s*$/, // at path:line:column
  /^((?:file:\/\/)?\/\S*?):(\d+)(?::(\d+))?\s*$/, // before a syntax error
  /\(([^()]+?), line (\d+)\)\s*$/, // Python's syntax errors
];

function placeOf(line) {
  for (const p of patterns) {
    const m = p.exec(line);
    if (m) return { path: pathOf(m[1]), line: Number(m[2]), column: m[3] ? Number(m[3]) : 1 };
  }
  return null;
}

function pathOf(text) {
  if (!text.startsWith('file://')) return text;
  try {
    return decodeURIComponent(text.slice('file://'.length).replace(/[?#].*$/, ''));
  } catch {
    return text;
  }
}

// shortened is a trace without the folder that the package lies in.
export function shortened(trace, places) {
  let text = trace.join('\n');
  for (const folder of new Set(places.map((p) => p.folder))) if (folder !== '') text = text.replaceAll(`file://${folder}`, '').replaceAll(folder, '');
  return text;
}

// fileOf returns the longest name of a file that the path ends with. Where the
// package lies on the machine is nobody's business.
function fileOf(path, files) {
  if (/^node:/.test(path)) return null;
  const fits = files.filter((name) => path === name || path.endsWith(`/${name}`));
  return fits.sort((a, b) => b.length - a.length)[0] ?? null;
}
