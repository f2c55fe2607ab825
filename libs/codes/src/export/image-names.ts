import { isImageNameField, type Code } from '@signet/contracts';
import filenamify from 'filenamify';

/** Of one folder or file of a path, before what makes it unique; most file systems take 255 bytes, a letter has up to 4. */
const MAX_PART_LENGTH = 60;

/**
 * Names images by a template such as `{folder}/{title}-{slug}`, each name once, also where upper and lower case are the
 * same. No name leads out of the folder that the archive is unpacked in, and none is refused by Windows.
 */
export class ImageNames {
  private readonly taken = new Set<string>();
  /** How often a name was asked for: the next number to try. */
  private readonly asked = new Map<string, number>();

  constructor(
    private readonly template: string,
    private readonly ending: string,
  ) {}

  /** @returns a path with `/` between its parts */
  next(code: Code): string {
    const name = pathOf(this.template, code);
    const key = name.toLowerCase();
    let number = this.asked.get(key) ?? 1;
    let unique = name;
    while (this.taken.has(unique.toLowerCase())) unique = `${name} (${(number += 1)})`;
    this.asked.set(key, number);
    this.taken.add(unique.toLowerCase());
    return `${unique}.${this.ending}`;
  }
}

function pathOf(template: string, code: Code): string {
  const parts = template.split('/').flatMap((part) => partsOf(part, code));
  return parts.length > 0 ? parts.join('/') : code.id;
}

/** A part that is `{folder}` alone is as deep as the folder of the code; everywhere else a `/` in a value is none. */
function partsOf(part: string, code: Code): string[] {
  const filled = part === '{folder}' ? (code.folder?.split('/') ?? []) : [fill(part, code)];
  return filled.filter((text) => /[\p{L}\p{N}\p{S}]/u.test(text)).map(safePart);
}

/** @returns the part with the values; what stands between two fields goes with a value that is not there */
function fill(part: string, code: Code): string {
  const text = part.replaceAll(/\{([^{}]*)\}/g, (_field, name: string) =>
    isImageNameField(name) ? (code[name] ?? '') : '',
  );
  return text.replaceAll(/^[-_. ]+|[-_. ]+$/g, '');
}

const safePart = (text: string): string => filenamify(text, { replacement: '_', maxLength: MAX_PART_LENGTH });
