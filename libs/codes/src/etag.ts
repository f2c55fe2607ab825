export { ifMatchAllows, isFresh, versionTag } from '@signet/platform';
