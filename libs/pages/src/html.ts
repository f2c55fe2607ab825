const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** @returns the text for an element's content or a quoted attribute */
export const escapeHtml = (text: string): string =>
  text.replaceAll(/[&<>"']/g, (character) => entities[character] ?? '');

/** Markup that may be sent as it is: whatever was put into it has been escaped. */
export class Html {
  private constructor(readonly text: string) {}

  /** @param text markup of our own making, such as an SVG that we drew */
  static trusted(text: string): Html {
    return new Html(text);
  }
}

type Part = string | number | Html | readonly Html[] | undefined | false;

const written = (part: Part): string => {
  if (part === undefined || part === false) return '';
  if (part instanceof Html) return part.text;
  if (typeof part === 'object') return part.map(({ text }) => text).join('');
  return escapeHtml(String(part));
};

/** A template whose parts are escaped for content and quoted attributes, unless they are markup already. */
export const markup = (strings: TemplateStringsArray, ...parts: Part[]): Html =>
  Html.trusted(String.raw({ raw: strings }, ...parts.map(written)));
