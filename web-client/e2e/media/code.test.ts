import { expect, test } from 'vitest';
import { codec, framesBetween, LOOP_FRAMES } from './code.ts';

const { COLUMNS, bits, cells, decode } = codec();

/** The band of a picture as RGBA, each cell `size` pixels wide and high. */
function band(row: number[], size: number, paint: (bit: number, x: number, y: number) => number): Uint8Array {
  const width = COLUMNS * size;
  const rgba = new Uint8Array(width * 2 * size * 4);
  for (let y = 0; y < 2 * size; y++) {
    for (let x = 0; x < width; x++) {
      const bit = row[Math.floor(x / size)] ?? 0;
      rgba.fill(paint(y < size ? bit : 1 - bit, x, y), (y * width + x) * 4, (y * width + x) * 4 + 3);
    }
  }
  return rgba;
}

const read = (rgba: Uint8Array, size: number) => decode(cells(rgba, COLUMNS * size, 2 * size));

test('every counter of both sides comes back', () => {
  for (const side of ['buyer', 'agent'] as const) {
    for (let counter = 0; counter < LOOP_FRAMES; counter++) {
      const rgba = band(bits(side, counter), 4, (bit) => (bit ? 255 : 0));
      expect(read(rgba, 4)).toEqual({ side, counter });
    }
  }
});

test('a dim, noisy picture is still read', () => {
  // A fixed generator: the same noise in every run.
  let seed = 1;
  const noise = () => {
    seed = (seed * 16_807) % 2_147_483_647;
    return (seed / 2_147_483_647 - 0.5) * 60;
  };
  const rgba = band(bits('agent', 211), 10, (bit) => (bit ? 150 : 60) + noise());
  expect(read(rgba, 10)).toEqual({ side: 'agent', counter: 211 });
});

test('a picture without a code is unreadable, not a number', () => {
  for (const grey of [0, 128, 255])
    expect(
      read(
        band(bits('buyer', 5), 4, () => grey),
        4,
      ),
    ).toBeNull();
  expect(
    read(
      band(bits('buyer', 5), 4, (_, x) => x * 4),
      4,
    ),
  ).toBeNull();
});

test('any single wrong bit is noticed', () => {
  const right = bits('buyer', 137);
  for (let column = 0; column < COLUMNS; column++) {
    const wrong = right.map((bit, at) => (at === column ? 1 - bit : bit));
    expect(
      read(
        band(wrong, 4, (bit) => (bit ? 255 : 0)),
        4,
      ),
    ).toBeNull();
  }
});

test('differences are taken the short way round the loop', () => {
  expect(framesBetween(10, 40)).toBe(30);
  expect(framesBetween(LOOP_FRAMES - 5, 5)).toBe(10);
  expect(framesBetween(5, LOOP_FRAMES - 5)).toBe(-10);
});
