import { z } from 'zod';

/** What of a short URL's path an app takes; `*` is anything, `?` one character. */
const PathPatternSchema = z
  .string()
  .max(100)
  .regex(/^\/[A-Za-z0-9_*?.~-]*$/, 'must be the path of a short URL, where * stands for anything: /app-*');

const IosAppSchema = z.strictObject({
  appId: z
    .string()
    .regex(
      /^[A-Z0-9]{10}\.[A-Za-z0-9-]{1,60}(\.[A-Za-z0-9-]{1,60}){1,5}$/,
      'must be a team ID, a dot and a bundle ID: ABCDE12345.com.example.app',
    ),
  paths: z
    .array(PathPatternSchema)
    .min(1)
    .max(20)
    .optional()
    .meta({ description: 'of the short URLs that open the app; absent: all' }),
});

const AndroidAppSchema = z.strictObject({
  package: z
    .string()
    .max(255)
    .regex(/^[A-Za-z]\w*(\.[A-Za-z]\w*)+$/, 'must be a package name: com.example.app'),
  fingerprints: z
    .array(
      z
        .string()
        .overwrite((text) => text.toUpperCase())
        .regex(/^[0-9A-F]{2}(:[0-9A-F]{2}){31}$/, 'must be the SHA-256 of a signing certificate: 32 pairs, AB:CD:…'),
    )
    .min(1)
    .max(10),
});

/**
 * The apps that may open the short URLs of a domain (universal links of iOS, app links of Android). Both systems ask the
 * domain itself; Signet writes the documents, so that they are never malformed.
 */
export const AppLinksSchema = z
  .strictObject({
    ios: z.array(IosAppSchema).min(1).max(10).optional(),
    android: z.array(AndroidAppSchema).min(1).max(10).optional(),
  })
  .refine(({ ios, android }) => ios !== undefined || android !== undefined, 'must name an app: ios, android or both')
  .meta({ id: 'AppLinks' });
export type AppLinks = z.output<typeof AppLinksSchema>;
