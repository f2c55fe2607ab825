/** Where the admin key of this installation comes from, as far as this start knows. */
export type AdminKey = { from: 'this-start'; key: string } | { from: 'environment' } | { from: 'an-earlier-start' };

/** What a person reads when Signet is ready: the address, the key, and three lines to try. */
export function welcome({ url, version, adminKey }: { url: string; version: string; adminKey: AdminKey }): string {
  const bearer = { 'this-start': '', environment: '$SIGNET_BOOTSTRAP_KEY', 'an-earlier-start': '$SIGNET_KEY' };
  const authorization = `-H "Authorization: Bearer ${adminKey.from === 'this-start' ? adminKey.key : bearer[adminKey.from]}"`;
  const code = `{"kind":"link","target":{"url":"https://example.com/"},"title":"My first code"}`;
  return `
Signet ${version} is ready at ${url} (API: ${url}/docs). Ctrl-C stops it.

${aboutKey(adminKey)}

Create a code, get its QR as a PNG, and watch the scans of it come in:

  curl -s ${url}/v1/codes ${authorization} -H 'Content-Type: application/json' -d '${code}' | tee code.json

  curl -s "${url}/v1/codes/$(sed 's/.*"id":"\\([^"]*\\).*/\\1/' code.json)/qr?format=png" ${authorization} -o code.png

  curl -sN "${url}/v1/stream?topics=scans" ${authorization}

`;
}

function aboutKey(adminKey: AdminKey): string {
  switch (adminKey.from) {
    case 'this-start':
      return `The admin API key, shown this once:\n\n  ${adminKey.key}`;
    case 'environment':
      return 'The admin API key is the SIGNET_BOOTSTRAP_KEY of the first start.';
    case 'an-earlier-start':
      return 'The admin API key was shown at the first start. For the lines below: export SIGNET_KEY=sgk_…';
  }
}
