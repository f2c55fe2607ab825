import { borders } from '@rapideditor/country-coder';

const EARTH_RADIUS_KM = 6371;
/** Borders are followed in steps of at most this length, so that the distance is wrong by no more. */
const STEP_KM = 40;
const RADIANS = Math.PI / 180;

/** On the unit sphere. */
type Point = readonly [x: number, y: number, z: number];

const outlines = new Map<string, Point[]>();
const distances = new Map<string, number>();

/**
 * How far two countries are from each other at the least: the great-circle distance of the nearest points of their
 * outlines, territorial waters and all islands included, less the error of the steps. Whoever was in both has travelled
 * at least that far. Neighbours are 0 km apart; of one country with itself nothing can be said, and it is 0 as well.
 * @param one ISO 3166-1 alpha-2
 * @returns kilometres; undefined for a country that is not known
 */
export function kilometresBetween(one: string, other: string): number | undefined {
  if (one === other) return 0;
  const key = one < other ? `${one} ${other}` : `${other} ${one}`;
  const known = distances.get(key);
  if (known !== undefined) return known;
  const [from, to] = [outlineOf(one), outlineOf(other)];
  if (from.length === 0 || to.length === 0) return undefined;
  const distance = Math.max(0, shortest(from, to) - STEP_KM);
  distances.set(key, distance);
  return distance;
}

function shortest(from: readonly Point[], to: readonly Point[]): number {
  let nearest = -1;
  for (const [x, y, z] of from)
    for (const [u, v, w] of to) {
      const cosine = x * u + y * v + z * w;
      if (cosine > nearest) nearest = cosine;
    }
  return EARTH_RADIUS_KM * Math.acos(Math.min(1, nearest));
}

type Territory = (typeof borders.features)[number]['properties'];

const isCode = (id: string): boolean => /^[A-Z]{2}$/.test(id) && id !== 'EU' && id !== 'UN';

/** Whose a piece of land is: of the innermost that has a code of its own; Réunion has one, Hawaii has none. */
function codeOf({ iso1A2, isoStatus, groups }: Territory): string | undefined {
  return iso1A2 !== undefined && isoStatus !== 'excRes' ? iso1A2 : groups.find(isCode);
}

function outlineOf(country: string): readonly Point[] {
  const known = outlines.get(country);
  if (known) return known;
  const points: Point[] = [];
  for (const { properties, geometry } of borders.features) {
    // Those that are put together from others have no outline of their own.
    // oxlint-disable-next-line typescript/no-unnecessary-condition -- the types know nothing of it
    if (geometry?.type !== 'MultiPolygon' || codeOf(properties) !== country) continue;
    for (const ring of geometry.coordinates.flat()) follow(ring, points);
  }
  outlines.set(country, points);
  return points;
}

function follow(ring: readonly (readonly number[])[], points: Point[]): void {
  for (const [index, [longitude = 0, latitude = 0]] of ring.entries()) {
    const to = toPoint(longitude, latitude);
    const [lastLongitude = longitude, lastLatitude = latitude] = ring[index - 1] ?? [];
    const from = toPoint(lastLongitude, lastLatitude);
    const km = EARTH_RADIUS_KM * Math.acos(Math.min(1, from[0] * to[0] + from[1] * to[1] + from[2] * to[2]));
    const steps = Math.max(1, Math.ceil(km / STEP_KM));
    for (let step = 1; step <= steps; step += 1) {
      const share = step / steps;
      points.push(
        toPoint(lastLongitude + share * (longitude - lastLongitude), lastLatitude + share * (latitude - lastLatitude)),
      );
    }
  }
}

function toPoint(longitude: number, latitude: number): Point {
  const [lambda, phi] = [longitude * RADIANS, latitude * RADIANS];
  return [Math.cos(phi) * Math.cos(lambda), Math.cos(phi) * Math.sin(lambda), Math.sin(phi)];
}
