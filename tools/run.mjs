// npm start [-- --lan] and npm run signet -- <command>: builds what changed and runs the CLI in this very process, so
// that signals and the exit code need no forwarding.
import { enableCompileCache } from 'node:module';
import { build } from './build.mjs';

build();
process.setSourceMapsEnabled(true);
// Saves a quarter of a second at each start but the first.
enableCompileCache('node_modules/.cache/compile');
await import('../apps/signet/dist/main.js');
