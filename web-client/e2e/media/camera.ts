// Fake cameras: uncompressed Y4M files for Chromium's `--use-file-for-fake-video-capture`, 640 × 360 (or larger, where a
// test wants more layers), 30 frames a second, ten seconds that loop. Each shows a simple moving scene, its counter in digits for people and the code of
// `code.ts` for tests. Uncompressed, because decoding costs the two-core test machine more than reading.

import { type FileHandle, open } from 'node:fs/promises';
import { type CameraSide, codec, FRAMES_PER_SECOND, LOOP_FRAMES } from './code.ts';

/** What everything is drawn for; larger pictures show the same, larger. */
const WIDTH = 640;
const HEIGHT = 360;

/** Lines of a camera's picture; its width is 16/9 of it. 960 × 540 is the smallest that Chromium sends in three layers. */
export type CameraLines = 360 | 540 | 720;

/** Y, Cb, Cr in video range. */
type Colour = readonly [number, number, number];
const WHITE: Colour = [235, 128, 128];
const BLACK: Colour = [16, 128, 128];

/** One I420 frame to draw on, in coordinates of 640 × 360 whatever its size. */
class Picture {
  readonly bytes: Uint8Array;
  /** Pixels per unit of the drawing. */
  readonly scale: number;
  readonly #width: number;
  readonly #height: number;
  readonly #cb: number;
  readonly #cr: number;

  constructor(lines: CameraLines, from?: Picture) {
    this.scale = lines / HEIGHT;
    this.#width = WIDTH * this.scale;
    this.#height = lines;
    this.#cb = this.#width * lines;
    this.#cr = (this.#cb * 5) / 4;
    this.bytes = from ? from.bytes.slice() : new Uint8Array((this.#cb * 3) / 2);
  }

  /** In pixels. */
  row(y: number, x0: number, x1: number, [luma, cb, cr]: Colour): void {
    if (y < 0 || y >= this.#height) return;
    const from = Math.max(0, Math.round(x0));
    const to = Math.min(this.#width, Math.round(x1));
    if (to <= from) return;
    this.bytes.fill(luma, y * this.#width + from, y * this.#width + to);
    if (y % 2 === 0) {
      const chroma = (y / 2) * (this.#width / 2);
      this.bytes.fill(cb, this.#cb + chroma + (from >> 1), this.#cb + chroma + ((to + 1) >> 1));
      this.bytes.fill(cr, this.#cr + chroma + (from >> 1), this.#cr + chroma + ((to + 1) >> 1));
    }
  }

  rectangle(x: number, y: number, width: number, height: number, colour: Colour): void {
    const to = Math.round((y + height) * this.scale);
    for (let line = Math.round(y * this.scale); line < to; line++)
      this.row(line, x * this.scale, (x + width) * this.scale, colour);
  }

  ellipse(cx: number, cy: number, rx: number, ry: number, colour: Colour): void {
    for (let line = Math.ceil((cy - ry) * this.scale); line <= (cy + ry) * this.scale; line++) {
      const half = rx * Math.sqrt(Math.max(0, 1 - ((line / this.scale - cy) / ry) ** 2));
      this.row(line, (cx - half) * this.scale, (cx + half) * this.scale, colour);
    }
  }

  /** Digits of seven segments, for people who look at screenshots. */
  digits(text: string, x: number, y: number, height: number, colour: Colour): void {
    const segments = [
      'abcdef',
      'bc',
      'abged',
      'abgcd',
      'fgbc',
      'afgcd',
      'afgedc',
      'abc',
      'abcdefg',
      'abcdfg',
    ];
    const width = height / 2;
    const stroke = height / 8;
    const half = (height - stroke) / 2;
    let left = x;
    for (const character of text) {
      for (const segment of segments[Number(character)] ?? '') {
        const at: Record<string, [number, number, number, number]> = {
          a: [0, 0, width, stroke],
          b: [width - stroke, 0, stroke, half + stroke],
          c: [width - stroke, half, stroke, half + stroke],
          d: [0, height - stroke, width, stroke],
          e: [0, half, stroke, half + stroke],
          f: [0, 0, stroke, half + stroke],
          g: [0, half, width, stroke],
        };
        const [dx, dy, w, h] = at[segment] ?? [0, 0, 0, 0];
        this.rectangle(left + dx, y + dy, w, h, colour);
      }
      left += width * 1.4;
    }
  }
}

/** What does not move. */
function backdrop(side: CameraSide, lines: CameraLines): Picture {
  const picture = new Picture(lines);
  for (let y = 0; y < lines; y++) {
    const shade = Math.round((70 * y) / lines);
    picture.row(y, 0, (16 / 9) * lines, side === 'buyer' ? [170 - shade, 112, 142] : [120 - shade, 146, 116]);
  }
  if (side === 'buyer') {
    picture.rectangle(0, 230, WIDTH, 130, [96, 108, 146]);
  } else {
    picture.rectangle(60, 40, 130, 90, [150, 140, 120]);
    picture.rectangle(68, 48, 114, 74, [190, 136, 122]);
  }
  return picture;
}

/** What does: a parcel somebody turns in front of the camera, or a person who nods. */
function scene(picture: Picture, side: CameraSide, counter: number): void {
  const phase = (2 * Math.PI * counter) / LOOP_FRAMES;
  if (side === 'buyer') {
    const x = 320 + 90 * Math.sin(2 * phase);
    const y = 165 + 16 * Math.cos(4 * phase);
    const width = 150 + 30 * Math.cos(2 * phase);
    picture.rectangle(x - width / 2, y - 62, width, 124, [140, 96, 152]);
    picture.rectangle(x - width / 2, y - 62, width, 26, [160, 98, 150]);
    picture.rectangle(x - 10, y - 62, 20, 124, [200, 106, 140]);
  } else {
    const x = 330 + 26 * Math.sin(2 * phase);
    const y = 130 + 8 * Math.sin(6 * phase);
    picture.ellipse(x, 330, 130, 130, [70, 150, 112]);
    picture.rectangle(x - 20, y + 40, 40, 50, [150, 108, 150]);
    picture.ellipse(x, y, 52, 66, [172, 108, 150]);
    picture.ellipse(x, y - 34, 56, 38, [50, 122, 136]);
  }
  // A hand that goes round once a second: a still picture is seen at a glance.
  const angle = (2 * Math.PI * counter) / FRAMES_PER_SECOND;
  picture.ellipse(590, 50, 34, 34, [40, 128, 128]);
  picture.ellipse(590 + 22 * Math.sin(angle), 50 - 22 * Math.cos(angle), 9, 9, WHITE);
}

function draw(base: Picture, lines: CameraLines, side: CameraSide, counter: number): Uint8Array {
  const picture = new Picture(lines, base);
  scene(picture, side, counter);
  picture.rectangle(12, 12, 140, 56, BLACK);
  picture.digits(String(counter).padStart(3, '0'), 24, 20, 40, WHITE);

  const { COLUMNS, TOP, BOTTOM, bits } = codec();
  const cell = WIDTH / COLUMNS;
  const top = TOP * HEIGHT;
  const height = ((BOTTOM - TOP) * HEIGHT) / 2;
  for (const [column, bit] of bits(side, counter).entries()) {
    picture.rectangle(column * cell, top, cell, height, bit ? WHITE : BLACK);
    picture.rectangle(column * cell, top + height, cell, height, bit ? BLACK : WHITE);
  }
  return picture.bytes;
}

/** Writes the camera of one side. */
export async function writeCamera(path: string, side: CameraSide, lines: CameraLines): Promise<void> {
  const base = backdrop(side, lines);
  const file: FileHandle = await open(path, 'w');
  try {
    await file.write(`YUV4MPEG2 W${(16 / 9) * lines} H${lines} F${FRAMES_PER_SECOND}:1\n`);
    for (let counter = 0; counter < LOOP_FRAMES; counter++) {
      await file.write('FRAME\n');
      await file.write(draw(base, lines, side, counter));
    }
  } finally {
    await file.close();
  }
}
