/** RFC 9110 §8.8.3; the quoted version of a record. */
export const versionTag = (version: number): string => `"${version}"`;

/**
 * RFC 9110 §13.1.1: whether a change may go ahead. Strong comparison, so a weak tag matches nothing.
 * @param header `If-Match`; absent: no condition
 */
export const ifMatchAllows = (header: string | undefined, tag: string): boolean =>
  header === undefined || header.trim() === '*' || tagsOf(header).includes(tag);

/** RFC 9110 §13.1.2, weak comparison: whether the asker's copy is the current one. @param header `If-None-Match` */
export const isFresh = (header: string | undefined, tag: string): boolean =>
  header !== undefined &&
  (header.trim() === '*' ||
    tagsOf(header)
      .map((one) => one.replace(/^W\//, ''))
      .includes(tag));

const tagsOf = (header: string): string[] => header.match(/(?:W\/)?"[^"]*"/g) ?? [];
