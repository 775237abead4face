// The code page of a function: its files, the editor, Deploy.

import { call } from './api.js';
import { Editor } from './editor.js';
import { MAX_PACKAGE, MAX_TEXT, nameProblem, Package } from './files.js';
import { TestPanel } from './functiontest.js';
import { base64 } from './zip.js';

const page = document.getElementById('function');
const $ = (id) => document.getElementById(id);
const { name, handler } = page.dataset;

const notShown = {
  binary: 'This file is not text. It stays in the package as it is.',
  large: `This file is larger than ${MAX_TEXT >> 10} KB. It stays in the package as it is.`,
  link: 'This is a link to another file. It stays in the package as it is.',
};

let files = null;
let current = '';
let revision = '';
let sha = '';
let deployedAt = ''; // by this page
let deploying = false;
let run = []; // marks of the last run: {file, line, message}

const editor = new Editor($('editor'), {
  changed: (text) => {
    const f = files?.file(current);
    if (f?.kind === 'text') f.text = text;
    showState();
  },
});

const tests = new TestPanel({
  name,
  fileNames: () => files?.names() ?? [],
  dirty: () => Boolean(files?.dirty),
  marks: (marks) => {
    run = marks;
    editor.mark(run.filter((m) => m.file === current));
    showFiles();
  },
  go: async (file, line, column) => {
    if (!files?.file(file)) return;
    await show(file);
    editor.go(line, column);
  },
});

// load opens the package that is deployed.
async function load() {
  say('Loading the code…');
  const got = await call('lambda', 'GetFunction', { FunctionName: name });
  revision = got.Configuration.RevisionId;
  sha = got.Configuration.CodeSha256;
  if (got.Configuration.CodeSize > MAX_PACKAGE) {
    throw new Error(`The package has ${Math.ceil(got.Configuration.CodeSize / (1 << 20))} MB. Packages of up to ${MAX_PACKAGE >> 20} MB are edited here; change this one with the AWS CLI.`);
  }
  // The address is given for the server's public name; this page may have
  // come by another one.
  const { pathname, search } = new URL(got.Code.Location, location.href);
  const answer = await fetch(pathname + search, { credentials: 'same-origin' });
  if (!answer.ok) throw new Error(`The code could not be read (${answer.status}).`);
  files = new Package(new Uint8Array(await answer.arrayBuffer()));
  const stem = handler.slice(0, handler.lastIndexOf('.'));
  const names = files.names();
  const first = names.find((n) => ['.mjs', '.js', '.cjs', '.py'].some((end) => n === stem + end)) ?? (names.includes('index.mjs') ? 'index.mjs' : names[0]);
  await show(first);
}

async function show(file) {
  let f;
  try {
    f = await files.load(file);
  } catch (e) {
    f = { kind: 'damaged' };
    notShown.damaged = `This file cannot be read: ${e.message}`;
  }
  current = file;
  const text = f.kind === 'text';
  $('editor').hidden = !text;
  $('not-text').hidden = text;
  $('not-text').textContent = text ? '' : notShown[f.kind];
  if (text) {
    editor.open(file, f.text);
    editor.mark(run.filter((m) => m.file === file));
  }
  $('editor-label').textContent = file;
  showFiles();
  showState();
}

function showFiles() {
  const focused = document.activeElement?.closest?.('#files') !== null;
  const list = files.names(current === 'index.mjs' ? current : 'index.mjs').map((file) => {
    const li = document.createElement('li');
    const button = document.createElement('button');
    button.type = 'button';
    button.textContent = file;
    if (file === current) button.setAttribute('aria-current', 'true');
    const errors = run.filter((m) => m.file === file).length;
    if (errors) {
      const badge = document.createElement('span');
      badge.className = 'file-error';
      badge.textContent = ' error';
      button.append(badge);
    }
    button.addEventListener('click', () => { show(file); });
    li.append(button);
    return li;
  });
  $('files').replaceChildren(...list);
  if (focused) $('files').querySelector('[aria-current]')?.focus();
  for (const id of ['file-rename', 'file-delete']) $(id).disabled = current === '';
}

function showState() {
  if (!files || deploying) return;
  const dirty = files.dirty;
  say(dirty ? 'Changes not deployed' : `Deployed${deployedAt}`);
  $('state').classList.toggle('changed', dirty);
  $('deploy').disabled = false;
}

function say(text) { $('state').textContent = text; }

function problem(text, ...actions) {
  $('problem').hidden = text === '';
  $('problem').replaceChildren(text, ...actions.map(([label, act]) => {
    const b = document.createElement('button');
    b.type = 'button';
    b.textContent = label;
    b.addEventListener('click', act);
    return b;
  }));
}

// deploy uploads the package. Whoever deployed in between is asked about, not
// overwritten; that only a setting changed does not matter.
async function deploy(force = false) {
  if (!files || deploying) return;
  deploying = true;
  $('deploy').disabled = true;
  problem('');
  say('Deploying…');
  try {
    const { bytes, clean } = await files.zip();
    if (bytes.length > MAX_PACKAGE) throw new Error(`The package has become larger than ${MAX_PACKAGE >> 20} MB.`);
    const upload = (RevisionId) => call('lambda', 'UpdateFunctionCode', { FunctionName: name, ZipFile: base64(bytes), RevisionId });
    let done;
    try {
      done = await upload(revision);
    } catch (e) {
      if (e.type !== 'PreconditionFailedException') throw e;
      const now = await call('lambda', 'GetFunctionConfiguration', { FunctionName: name });
      if (now.CodeSha256 !== sha && !force) {
        problem('Somebody else has deployed this function since you opened it. Nothing of yours was deployed. ',
          ['Deploy mine over it', () => deploy(true)],
          ['Discard mine, load theirs', () => start()]);
        return;
      }
      done = await upload(now.RevisionId);
    }
    revision = done.RevisionId;
    sha = done.CodeSha256;
    clean();
    if (run.length) tests.clearMarks();
    deployedAt = ` at ${new Date().toLocaleTimeString()}`;
  } catch (e) {
    problem(`Not deployed: ${e.message}`);
  } finally {
    deploying = false;
    showState();
  }
}

// ask opens the dialog for a file's name and returns it, or null.
function ask(title, value) {
  const dialog = $('name-dialog');
  const input = $('name-input');
  $('name-title').textContent = title;
  input.value = value;
  const others = files.files.map((f) => f.name).filter((n) => n !== value);
  const check = () => {
    const p = nameProblem(input.value, others);
    input.setCustomValidity(p);
    $('name-problem').textContent = p;
    input.setAttribute('aria-invalid', String(p !== ''));
    return p === '';
  };
  $('name-problem').textContent = '';
  input.setCustomValidity('');
  return new Promise((resolve) => {
    const submit = (e) => {
      e.preventDefault();
      if (check()) dialog.close('ok');
    };
    dialog.querySelector('form').addEventListener('submit', submit);
    dialog.addEventListener('close', () => {
      dialog.querySelector('form').removeEventListener('submit', submit);
      resolve(dialog.returnValue === 'ok' ? input.value : null);
    }, { once: true });
    dialog.returnValue = '';
    dialog.showModal();
    input.select();
  });
}

// sure asks before something goes.
function sure(question) {
  const dialog = $('delete-dialog');
  $('delete-title').textContent = question;
  dialog.returnValue = '';
  return new Promise((resolve) => {
    dialog.addEventListener('close', () => { resolve(dialog.returnValue === 'ok'); }, { once: true });
    dialog.showModal();
  });
}

$('name-cancel').addEventListener('click', () => $('name-dialog').close(''));
$('name-dialog').querySelector('form').noValidate = true;

$('file-new').addEventListener('click', async () => {
  const file = files && await ask('New file', '');
  if (!file) return;
  files.add(file);
  await show(file);
  editor.area.focus();
});

$('file-rename').addEventListener('click', async () => {
  const file = files && await ask(`Rename ${current}`, current);
  if (!file || file === current) return;
  files.rename(current, file);
  await show(file);
});

$('file-delete').addEventListener('click', async () => {
  if (!files || current === '') return;
  if (files.names().length === 1) {
    problem('A function needs at least one file.');
    return;
  }
  if (!await sure(`Delete ${current}?`)) return;
  files.remove(current);
  await show(files.names()[0]);
});

$('deploy').addEventListener('click', () => { deploy(); });

document.addEventListener('keydown', (e) => {
  if (!(e.ctrlKey || e.metaKey) || e.altKey) return;
  if (e.key.toLowerCase() === 's' && !e.shiftKey) {
    e.preventDefault();
    deploy();
  } else if (e.key === 'Enter') {
    e.preventDefault();
    tests.run();
  }
});

window.addEventListener('beforeunload', (e) => {
  if (files?.dirty) e.preventDefault();
});

async function start() {
  problem('');
  run = [];
  try {
    await load();
  } catch (e) {
    say('');
    problem(`The code cannot be shown: ${e.message}`, ['Try again', () => start()]);
  }
}

start();
