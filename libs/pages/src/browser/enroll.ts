// What the pages of an enrollment do better with a script: copying and printing. Their buttons are hidden without it.

async function copy(button: HTMLButtonElement): Promise<void> {
  const text = document.getElementById(button.dataset['copy'] ?? '')?.innerText.trim();
  if (text === undefined) return;
  await navigator.clipboard.writeText(text);
  button.textContent = button.dataset['copied'] ?? button.textContent;
}

// Browsers give the clipboard to secure origins only.
if ('clipboard' in navigator)
  for (const button of document.querySelectorAll<HTMLButtonElement>('button[data-copy]')) {
    button.addEventListener('click', () => void copy(button));
    button.hidden = false;
  }

for (const button of document.querySelectorAll<HTMLButtonElement>('button[data-print]')) {
  button.addEventListener('click', () => print());
  button.hidden = false;
}

// A page that comes back out of the browser's memory would show a secret a second time.
addEventListener('pageshow', ({ persisted }) => {
  if (persisted) location.reload();
});
