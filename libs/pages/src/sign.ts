import { Html } from './html.js';

/** How a matter stands at a glance: by shape, too, for those who do not see the colour. */
export type Sign = 'good' | 'wait' | 'bad';

const shapes: Readonly<Record<Sign, string>> = {
  good: '<circle cx="24" cy="24" r="21"/><path d="m14.5 24.5 6.5 6.5 12.5-13.5"/>',
  wait: '<circle cx="24" cy="24" r="21"/><path d="M24 13v11.5l7.5 5"/>',
  bad: '<path d="M16 3h16l13 13v16L32 45H16L3 32V16z"/><path d="m17 17 14 14m0-14L17 31"/>',
};

/** Says nothing that the heading below it does not say. */
export const pictureOfSign = (sign: Sign): Html =>
  Html.trusted(`<svg class="sign ${sign}" viewBox="0 0 48 48" aria-hidden="true">${shapes[sign]}</svg>\n`);
