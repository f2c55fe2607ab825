import { existsSync } from 'node:fs';
import type { Browser } from 'playwright-core';

/** Debian's, unless the environment names another one. */
const executablePath = process.env['SIGNET_TEST_CHROMIUM'] ?? '/usr/bin/chromium';
const isRequired = process.env['SIGNET_TEST_SERVICES'] === 'required';
const isThere = existsSync(executablePath);

/** Left out by name where there is no Chromium, unless the environment requires everything. */
export const describeInBrowser = (title: string, tests: () => void): void =>
  isThere || isRequired ? describe(title, tests) : describe.skip(`${title} (skipped: no ${executablePath})`, tests);

/**
 * A browser with a fresh profile, which calls nobody by itself.
 * @param camera a file of video (.y4m, .mjpeg) that its camera shows over and over
 */
export async function openBrowser({ camera }: { camera?: string } = {}): Promise<Browser> {
  // Here, because it takes a while to load, and few tests have a use for it.
  const { chromium } = await import('playwright-core');
  const cameraFlags = ['--use-fake-device-for-media-stream', `--use-file-for-fake-video-capture=${camera}`];
  return chromium.launch({
    executablePath,
    args: [
      '--headless',
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      ...(camera === undefined ? [] : cameraFlags),
    ],
  });
}
