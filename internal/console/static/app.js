// What every page has: copy buttons, the command that follows a form, and
// switches that need no button.

import { on, toast, h } from './dom.js';

on('change', 'form[data-switch] select', (_, select) => select.form.requestSubmit());

on('click', 'button[data-copy]', async (_, button) => {
  const text = document.getElementById(button.dataset.copy)?.textContent ?? '';
  try {
    await navigator.clipboard.writeText(text);
    toast('Copied.');
  } catch {
    toast('The browser did not allow to copy. Select the text instead.');
  }
});

// A button for each block that is worth copying.
let copied = 0;
for (const block of document.querySelectorAll('pre.copy, details.cli > pre')) {
  block.id ||= `copy-${++copied}`;
  block.before(h('button', { type: 'button', class: 'copy-button', 'data-copy': block.id }, 'Copy'));
}

// The command below a form follows what is typed: the server makes it from the
// same fields that it would act on, and does not act.
for (const form of document.querySelectorAll('form[data-preview]')) {
  const code = form.querySelector('details.cli code');
  if (!code) continue;
  let timer, running;
  const refresh = async () => {
    running?.abort();
    running = new AbortController();
    try {
      const response = await fetch(form.action, {
        method: 'POST', body: new URLSearchParams(new FormData(form)), signal: running.signal,
        headers: { 'X-Console-Preview': '1' },
      });
      if (response.ok) code.textContent = await response.text();
    } catch { /* a newer one is on its way, or the server is gone */ }
  };
  form.addEventListener('input', () => {
    clearTimeout(timer);
    timer = setTimeout(refresh, 150);
  });
}
