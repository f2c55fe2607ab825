// The baseline: node:http with a map, which records nothing. PORT, SLUGS (a JSON file of slugs).
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';

const targets = new Map(
  JSON.parse(readFileSync(process.env.SLUGS, 'utf8')).map((slug) => [`/${slug}`, `https://example.com/${slug}`]),
);
createServer((request, response) => {
  const location = targets.get(request.url);
  response.writeHead(location ? 302 : 404, location ? { location } : {});
  response.end();
}).listen(Number(process.env.PORT), '127.0.0.1', () => console.log('ready'));
