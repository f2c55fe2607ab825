import { spawnSync } from 'node:child_process';
import { newSigningKey, signatureHeader } from './webhook-signature.js';

const VERIFIER = `
import json, sys
from standardwebhooks import Webhook
given = json.load(sys.stdin)
Webhook(given["secret"]).verify(given["body"], given["headers"])
`;
const environment = { ...process.env, PYTHONPATH: process.env['SIGNET_TEST_PYTHONPATH'] ?? '' };
const python = (script: string, input = '') =>
  spawnSync('python3', ['-c', script], { input, encoding: 'utf8', env: environment });

const hasVerifier = python('import standardwebhooks').status === 0;
const isRequired = process.env['SIGNET_TEST_SERVICES'] === 'required';
const title = 'the Python library of Standard Webhooks';
const describeWithVerifier = hasVerifier || isRequired ? describe : describe.skip;

describeWithVerifier(
  hasVerifier || isRequired ? title : `${title} (skipped: standardwebhooks is not installed)`,
  () => {
    const body = '{"type":"scan.recorded","data":{"city":"Zürich"}}';
    const signed = (secrets: string[]) => {
      const timestamp = Math.floor(Date.now() / 1000);
      const message = { id: '01a2101d-e57b-76b9-986e-831da19b0edc', timestamp, body: Buffer.from(body) };
      const headers = {
        'webhook-id': message.id,
        'webhook-timestamp': String(timestamp),
        'webhook-signature': signatureHeader(message, secrets),
      };
      return { body, headers };
    };
    const verify = (secret: string, message: { body: string; headers: Record<string, string> }): string => {
      const { status, stderr } = python(VERIFIER, JSON.stringify({ secret, ...message }));
      return status === 0 ? 'accepted' : (stderr.trim().split('\n').at(-1) ?? '');
    };

    it('accepts what is signed with its secret, also beside another key', () => {
      const [former, newest] = [newSigningKey('hmac').secret, newSigningKey('hmac').secret];
      const message = signed([newest, former]);
      expect([verify(newest, message), verify(former, message)]).toEqual(['accepted', 'accepted']);
    });

    it('refuses another body and another secret', () => {
      const { secret } = newSigningKey('hmac');
      const message = signed([secret]);
      expect(verify(secret, { ...message, body: `${body} ` })).toContain('No matching signature');
      expect(verify(newSigningKey('hmac').secret, message)).toContain('No matching signature');
    });
  },
);
