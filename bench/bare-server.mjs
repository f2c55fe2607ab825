// The baseline: node:http with a map, which records nothing. PORT, PREFIX and COUNT of the slugs.
import { createServer } from 'node:http';

const { PORT, PREFIX, COUNT } = process.env;
const targets = new Map(
  Array.from({ length: Number(COUNT) }, (_, index) => [`/${PREFIX}${index}`, `https://example.com/${PREFIX}${index}`]),
);
createServer((request, response) => {
  const location = targets.get(request.url);
  response.writeHead(location ? 302 : 404, location ? { location } : {});
  response.end();
}).listen(Number(PORT), '127.0.0.1', () => console.log('ready'));
