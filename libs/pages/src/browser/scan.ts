// The camera of /check. Frames and pictures are read here and go nowhere; what is sent is the link in the code, by the
// form that is there without this script, too. What holds no link (a password of a network, a secret of a sign-in) is
// not sent at all.
import { openQrReader, type QrReader } from './qr-reader.js';

const PAUSE_MS = 80;

const element = <Kind extends HTMLElement>(id: string, kind: new () => Kind): Kind => {
  const found = document.getElementById(id);
  if (!(found instanceof kind)) throw new Error(`the page has no ${id}`);
  return found;
};
const scanner = element('scanner', HTMLElement);
const video = element('video', HTMLVideoElement);
const toggle = element('scan', HTMLButtonElement);
const picture = element('picture', HTMLInputElement);
const said = element('said', HTMLElement);
const link = element('link', HTMLInputElement);

type Message = 'looking' | 'denied' | 'absent' | 'nothing' | 'noLink';
const say = (message: Message | ''): void => {
  said.textContent = message === '' ? '' : (scanner.dataset[message] ?? '');
};

let reader: Promise<QrReader> | undefined;
const openReader = (): Promise<QrReader> => (reader ??= openQrReader());

/** @returns whether it could be sent */
function take(text: string): boolean {
  if (!/^https?:\/\//i.test(text)) {
    say('noLink');
    return false;
  }
  link.value = text;
  link.form?.requestSubmit();
  return true;
}

let stream: MediaStream | undefined;

function stop(): void {
  for (const track of stream?.getTracks() ?? []) track.stop();
  stream = undefined;
  video.srcObject = null;
  video.hidden = true;
  toggle.textContent = scanner.dataset['scan'] ?? '';
}

async function start(): Promise<void> {
  say('looking');
  try {
    const own = await navigator.mediaDevices.getUserMedia({
      video: { facingMode: 'environment', width: { ideal: 1280 }, height: { ideal: 720 } },
    });
    stream = own;
    video.srcObject = own;
    video.hidden = false;
    toggle.textContent = scanner.dataset['stop'] ?? '';
    await video.play();
    await look(own);
  } catch (error) {
    // Stopped while it was starting is no failure.
    if (error instanceof DOMException && error.name === 'AbortError') return;
    stop();
    say(error instanceof DOMException && error.name === 'NotAllowedError' ? 'denied' : 'absent');
  }
}

/** Until a code is found, or `stop` has ended this stream. */
async function look(own: MediaStream): Promise<void> {
  const read = await openReader();
  while (stream === own) {
    const text = await read(video);
    if (stream !== own) return;
    if (text !== undefined) {
      stop();
      take(text);
      return;
    }
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
}

async function readPicture(file: File): Promise<void> {
  say('');
  try {
    const read = await openReader();
    const text = await read(await createImageBitmap(file));
    if (text === undefined) say('nothing');
    else take(text);
  } catch {
    say('nothing');
  }
}

toggle.addEventListener('click', () => {
  if (stream === undefined) return void start();
  stop();
  say('');
});
picture.addEventListener('change', () => {
  const [file] = picture.files ?? [];
  // So that choosing the same picture again is a change.
  if (file) void readPicture(file).finally(() => (picture.value = ''));
});
document.addEventListener('visibilitychange', () => {
  if (!document.hidden || stream === undefined) return;
  stop();
  say('');
});
// A page that comes back out of the browser's memory must not come back with the camera on.
addEventListener('pagehide', stop);

// Browsers give the camera to secure origins only.
toggle.hidden = !('mediaDevices' in navigator);
scanner.hidden = false;
