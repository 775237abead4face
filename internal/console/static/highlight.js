// Tokens of JavaScript, JSON and Python, for colours only: a text that is not
// correct still gets tokens, and they always add up to the text.

const words = (list) => new Set(list.split(' '));

const jsKeywords = words('async await break case catch class const continue debugger default delete do else export extends finally for from function get if import in instanceof let new of return set static super switch this throw try typeof var void while with yield');
const jsConstants = words('true false null undefined NaN Infinity');
const pyKeywords = words('and as assert async await break class continue def del elif else except finally for from global if import in is lambda match nonlocal not or pass raise return try while with yield');
const pyConstants = words('True False None self cls');

// A word that reads as a keyword only where nothing else fits.
const jsSoft = words('async from get of set static let');
// After these words an expression begins, so a slash begins a pattern.
const jsBeforeExpression = words('await case delete do else in instanceof new of return throw typeof void yield default extends');
const jsBeforeParen = words('if while for with');

const space = /[\s\uFEFF]+/y;
const jsName = /[\p{ID_Start}$_#][\p{ID_Continue}$\u200c\u200d]*/uy;
const jsNumber = /(?:0[xX][\da-fA-F_]+|0[bB][01_]+|0[oO][0-7_]+|(?:\d[\d_]*\.?[\d_]*|\.\d[\d_]*)(?:[eE][+-]?[\d_]+)?)n?/y;
const jsString = /'(?:[^'\\\r\n]+|\\(?:\r\n|[^]))*'?|"(?:[^"\\\r\n]+|\\(?:\r\n|[^]))*"?/y;
const jsComment = /\/\/[^\r\n\u2028\u2029]*|\/\*[^]*?(?:\*\/|$)/y;
const jsRegex = /\/(?:[^\\/[\r\n]|\\[^\r\n]|\[(?:[^\]\\\r\n]|\\[^\r\n])*\])+\/[\p{ID_Continue}$]*/uy;
const jsTemplatePart = /(?:[^`\\$]|\\[^]|\$(?!\{))+/y;
const jsOperator = /=>|\+\+|--|\?\.(?!\d)|[{}()[\];,.:?]|[-+*/%&|^!~<>=@]+/y;
const pyString = /(?:[rRbBuUfF]{0,2})(?:'''(?:[^\\]|\\[^])*?(?:'''|$)|"""(?:[^\\]|\\[^])*?(?:"""|$)|'(?:[^'\\\r\n]|\\(?:\r\n|[^]))*'?|"(?:[^"\\\r\n]|\\(?:\r\n|[^]))*"?)/y;
const pyNumber = /(?:0[xX][\da-fA-F_]+|0[bB][01_]+|0[oO][0-7_]+|(?:\d[\d_]*\.?[\d_]*|\.\d[\d_]*)(?:[eE][+-]?[\d_]+)?)[jJ]?/y;
const pyComment = /#[^\r\n]*/y;
const pyDecorator = /@[\p{ID_Start}_][\p{ID_Continue}_.]*/uy;
const jsonNumber = /-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const jsonWord = /[A-Za-z]+/y;

// languageOf names the language of a file.
export function languageOf(name) {
  const ending = /\.([^./]+)$/.exec(name)?.[1].toLowerCase();
  if (['js', 'mjs', 'cjs'].includes(ending)) return 'javascript';
  if (ending === 'json') return 'json';
  return ending === 'py' ? 'python' : 'text';
}

// tokenize cuts text into {type, text}. A type is "" for what has no colour.
export function tokenize(text, language) {
  const scanner = { javascript, json, python }[language];
  if (!scanner) return text === '' ? [] : [{ type: '', text }];
  const tokens = [];
  scanner(new Scanner(text, tokens));
  return tokens;
}

class Scanner {
  constructor(text, tokens) {
    this.text = text;
    this.tokens = tokens;
    this.at = 0;
  }

  get done() { return this.at >= this.text.length; }

  // take adds the token that pattern finds here and returns its text, or "".
  take(pattern, type) {
    pattern.lastIndex = this.at;
    const found = pattern.exec(this.text)?.[0] ?? '';
    if (found !== '') this.add(found, typeof type === 'function' ? type(found) : type);
    return found;
  }

  add(text, type) {
    this.at += text.length;
    const last = this.tokens.at(-1);
    if (last && last.type === type) last.text += text;
    else this.tokens.push({ type, text });
  }

  // other takes one character that belongs to nothing.
  other() { this.add(String.fromCodePoint(this.text.codePointAt(this.at)), ''); }

  looking(pattern) {
    pattern.lastIndex = this.at;
    return pattern.test(this.text);
  }
}

function javascript(s) {
  // A slash divides after a value and begins a pattern elsewhere. What a
  // bracket was opened for tells what its closing one ends.
  let value = false;
  let last = '';
  const open = [];
  s.take(/#![^\r\n]*/y, 'comment');
  while (!s.done) {
    if (s.take(space, '') || s.take(jsComment, 'comment')) continue;
    const dotted = last === '.' || last === '?.';
    let found;
    if (s.text[s.at] === '`') {
      s.add('`', 'string');
      value = template(s, open);
      last = '`';
      continue;
    }
    if (!value && s.text[s.at] === '/' && s.take(jsRegex, 'regexp')) {
      value = true;
      last = '/';
    } else if (s.take(jsString, 'string')) {
      value = true;
      last = '"';
    } else if ((/[0-9]/.test(s.text[s.at]) || /\.\d/y.test(s.text.slice(s.at, s.at + 2))) && s.take(jsNumber, 'number')) {
      value = true;
      last = '0';
    } else if ((found = s.take(jsName, (w) => jsWord(s, w, dotted)))) {
      value = dotted || !(jsKeywords.has(found) && jsBeforeExpression.has(found));
      last = dotted ? 'name' : found;
    } else if ((found = s.take(jsOperator, 'operator'))) {
      value = bracket(s, open, found, last, value);
      last = found;
      if (value === 'template') {
        value = template(s, open);
        last = '`';
      }
    } else {
      s.other();
    }
  }
}

function jsWord(s, word, dotted) {
  const after = s.text.slice(s.at + word.length);
  if (dotted || word[0] === '#') return /^\s*\(/.test(after) ? 'function' : '';
  if (jsConstants.has(word)) return 'constant';
  const soft = jsSoft.has(word) && (/^\s*[=:,;).]/.test(after) || (word !== 'async' && /^\s*\(/.test(after)));
  if (jsKeywords.has(word) && !soft) return /^\s*:/.test(after) && word !== 'default' ? '' : 'keyword';
  return /^\s*\(/.test(after) ? 'function' : '';
}

// bracket keeps the stack of open brackets and says whether what follows an
// operator follows a value; "template" if it ended a template's substitution.
function bracket(s, open, found, last, value) {
  switch (found) {
    case '(':
    case '[':
      open.push({ bracket: found, condition: found === '(' && jsBeforeParen.has(last) });
      return false;
    case '{':
      // An object after an operator; a block after anything that ends.
      open.push({ bracket: found, object: !value && last !== '' && !['=>', ';', '{', '}', ')', 'else', 'do', '`'].includes(last) });
      return false;
    case ')':
    case ']':
      return !open.pop()?.condition;
    case '}': {
      const opened = open.pop();
      return opened?.bracket === '${' ? 'template' : Boolean(opened?.object);
    }
    case '++':
    case '--':
      return value;
  }
  return false;
}

// template takes the text of a template up to its end or a substitution.
function template(s, open) {
  s.take(jsTemplatePart, 'string');
  if (s.text[s.at] === '`') {
    s.add('`', 'string');
    return true;
  }
  if (s.text.startsWith('${', s.at)) {
    s.add('${', 'operator');
    open.push({ bracket: '${' });
    return false;
  }
  if (!s.done) s.other(); // a backslash at the very end
  return true;
}

function json(s) {
  while (!s.done) {
    if (s.take(space, '')) continue;
    if (s.text[s.at] === '"') {
      s.take(jsString, (found) => (/^\s*:/.test(s.text.slice(s.at + found.length)) ? 'property' : 'string'));
      continue;
    }
    if (s.take(jsonNumber, 'number') || s.take(/[{}[\],:]/y, 'operator')) continue;
    if (s.take(jsonWord, (found) => (['true', 'false', 'null'].includes(found) ? 'constant' : ''))) continue;
    s.other();
  }
}

const pyName = /[\p{ID_Start}_][\p{ID_Continue}_]*/uy;

function python(s) {
  let dotted = false;
  while (!s.done) {
    if (s.take(space, '')) continue;
    const wasDotted = dotted;
    dotted = false;
    if (s.take(pyComment, 'comment') || s.take(pyString, 'string')) continue;
    if (/[0-9.]/.test(s.text[s.at]) && /^\.?\d/.test(s.text.slice(s.at, s.at + 2)) && s.take(pyNumber, 'number')) continue;
    const word = s.take(pyName, (found) => {
      if (!wasDotted && pyKeywords.has(found) && !(found === 'match' && /^\s*[=.(,)]/.test(s.text.slice(s.at + 5)))) return 'keyword';
      if (!wasDotted && pyConstants.has(found)) return 'constant';
      return /^\s*\(/.test(s.text.slice(s.at + found.length)) ? 'function' : '';
    });
    if (word) continue;
    if (s.take(pyDecorator, 'function')) continue;
    if (s.text[s.at] === '.') dotted = true;
    if (s.take(/[-+*/%&|^~<>=!@:;,.()[\]{}]/y, 'operator')) continue;
    s.other();
  }
}
