// Prints what a shop's page loads before and after the tap, and fails when the part before the tap is too heavy.
import { readdirSync, readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';

const LIMIT_KB = 40;
const dist = new URL('../dist/', import.meta.url);

/** @param {string} name */
const sizes = (name) => {
  const bytes = readFileSync(new URL(name, dist));
  return { name, raw: bytes.length / 1000, gzip: gzipSync(bytes, { level: 9 }).length / 1000 };
};

/** @param {{ name: string, raw: number, gzip: number }} size */
const line = ({ name, raw, gzip }) =>
  `${name.padEnd(44)} ${raw.toFixed(1).padStart(8)} kB ${gzip.toFixed(1).padStart(8)} kB gzip`;

const widget = sizes('widget.js');
console.log('Before the tap:');
console.log(`  ${line(widget)}   (limit ${LIMIT_KB} kB gzip)`);

// A static import would be one more file before the tap, which the limit would not see.
const source = readFileSync(new URL('widget.js', dist), 'utf8');
const eager = [...source.matchAll(/(?:^|[;}\s])import\s*(?:[\w*{][^;'"()]*from\s*)?["']([^"']+)["']/g)].map(
  (m) => m[1],
);
console.log('After the tap, when needed:');
for (const name of readdirSync(new URL('assets/', dist)).filter((n) => n.startsWith('widget-'))) {
  console.log(`  ${line(sizes(`assets/${name}`))}`);
}
if (eager.length > 0) {
  console.error(`widget.js loads more files before the tap: ${eager.join(', ')}`);
  process.exit(1);
}
if (widget.gzip > LIMIT_KB) {
  console.error(
    `widget.js is ${widget.gzip.toFixed(1)} kB gzip before the tap; the limit is ${LIMIT_KB} kB.`,
  );
  process.exit(1);
}
