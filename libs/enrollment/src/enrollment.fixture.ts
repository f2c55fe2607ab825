import { createRequire } from 'node:module';
import { decodeQrPng } from '@signet/testing';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';

const require = createRequire(import.meta.url);
// pngjs ships no types.
const { PNG }: { PNG: PngClass } = require('pngjs');
interface PngClass {
  new (size: { width: number; height: number }): { data: Buffer };
  sync: { write(png: object): Buffer };
}

/** What an app reads from an `otpauth:` URI. */
export const secretIn = (otpauthUri: string): string => new URL(otpauthUri).searchParams.get('secret') ?? '';

const PIXELS = 8;

/** What a camera reads from one of our SVGs, whose dark modules are rectangles of whole units. */
export function decodeQrSvg(svg: string): Promise<string> {
  const size = Number(/viewBox="0 0 (\d+)/.exec(svg)?.[1]) * PIXELS;
  const png = new PNG({ width: size, height: size });
  png.data.fill(255);
  for (const [, x, y, width] of svg.matchAll(/M(\d+) (\d+)h(\d+)v1H\d+z/g))
    for (let row = Number(y) * PIXELS; row < (Number(y) + 1) * PIXELS; row++)
      for (let column = Number(x) * PIXELS; column < (Number(x) + Number(width)) * PIXELS; column++)
        png.data.fill(0, (row * size + column) * 4, (row * size + column) * 4 + 3);
  return decodeQrPng(PNG.sync.write(png));
}

interface Shown {
  status: number;
  html: string;
  headers: Record<string, unknown>;
}

/** A browser without script at `/enroll/{slug}`: keeps its cookie, follows redirects, sends what the forms say. */
export class WizardBrowser {
  page: Shown = { status: 0, html: '', headers: {} };
  cookie: string | undefined;

  constructor(
    private readonly app: NestFastifyApplication,
    private readonly path: string,
    private readonly headers: Record<string, string> = {},
  ) {}

  async open(path = this.path): Promise<Shown> {
    return this.take(await this.app.inject({ method: 'GET', url: path, headers: this.sent() }));
  }

  /** Presses the button of a form of the page, with what was typed into it. */
  async submit(step: string, typed: Record<string, string> = {}, headers: Record<string, string> = {}): Promise<Shown> {
    const form = this.formOf(step);
    return this.post({ ...form, ...typed }, headers);
  }

  /** Sends a form, whether or not the page has it. */
  async post(fields: Record<string, string>, headers: Record<string, string> = {}): Promise<Shown> {
    const answer = await this.app.inject({
      method: 'POST',
      url: this.path,
      headers: { ...this.sent(), 'content-type': 'application/x-www-form-urlencoded', origin: 'null', ...headers },
      payload: new URLSearchParams(fields).toString(),
    });
    return this.take(answer);
  }

  /** The hidden fields of a form. */
  formOf(step: string): Record<string, string> {
    const forms = this.page.html.match(/<form [^]*?<\/form>/g) ?? [];
    const form = forms.find((each) => each.includes(`name="step" value="${step}"`));
    if (form === undefined) throw new Error(`the page has no form for ${step}`);
    const fields = form.matchAll(/type="hidden" name="([^"]*)" value="([^"]*)"/g);
    return Object.fromEntries(Array.from(fields, ([, name = '', value = '']) => [name, value]));
  }

  get title(): string {
    return /<h1>([^<]*)<\/h1>/.exec(this.page.html)?.[1] ?? '';
  }

  /** As the link for the same phone has it. */
  get otpauthUri(): string | undefined {
    return /href="(otpauth:[^"]*)"/.exec(this.page.html)?.[1]?.replaceAll('&amp;', '&');
  }

  get recoveryCodes(): string[] {
    return Array.from(this.page.html.matchAll(/<li>([0-9A-Z-]{23})<\/li>/g), ([, code = '']) => code);
  }

  private sent(): Record<string, string> {
    return { ...this.headers, ...(this.cookie !== undefined && { cookie: this.cookie }) };
  }

  private async take(answer: Awaited<ReturnType<NestFastifyApplication['inject']>>): Promise<Shown> {
    const { 'set-cookie': cookie, location } = answer.headers;
    if (cookie !== undefined) this.cookie = String(cookie).split(';', 1)[0];
    this.page = { status: answer.statusCode, html: answer.body, headers: answer.headers };
    return location === undefined ? this.page : this.open(location);
  }
}
