import type { AppLinks } from '@signet/contracts';

/** What Signet answers itself, and no app in its place: an enrollment must be claimed in a browser that shows who asks. */
const OUR_PATHS = ['/enroll/*', '/signin/*', '/check'];

/**
 * `/.well-known/apple-app-site-association` (Apple: Supporting associated domains). The first component that matches a
 * URL decides.
 * @returns undefined when the domain has no app of iOS
 */
export function appleAppSiteAssociation({ ios }: AppLinks): object | undefined {
  if (ios === undefined) return undefined;
  const ours = OUR_PATHS.map((path) => ({ '/': path, exclude: true }));
  const details = ios.map(({ appId, paths = ['*'] }) => ({
    appIDs: [appId],
    components: [...ours, ...paths.map((path) => ({ '/': path }))],
  }));
  return { applinks: { details } };
}

/**
 * `/.well-known/assetlinks.json` (Digital Asset Links). Which paths an app takes, its own manifest says.
 * @returns undefined when the domain has no app of Android
 */
export const assetLinks = ({ android }: AppLinks): object[] | undefined =>
  android?.map((app) => ({
    relation: ['delegate_permission/common.handle_all_urls'],
    target: { namespace: 'android_app', package_name: app.package, sha256_cert_fingerprints: app.fingerprints },
  }));
