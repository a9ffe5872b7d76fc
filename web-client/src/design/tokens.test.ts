import { expect, test } from 'vitest';

import { colours, stage } from './tokens.ts';

/** Relative luminance of `#rrggbb` (WCAG 2.2, "relative luminance"). */
function luminance(hex: string): number {
  const [r, g, b] = [1, 3, 5].map((at) => {
    const c = Number.parseInt(hex.slice(at, at + 2), 16) / 255;
    return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
  }) as [number, number, number];
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

function contrast(a: string, b: string): number {
  const [dark, light] = [luminance(a), luminance(b)].sort((x, y) => x - y) as [number, number];
  return (light + 0.05) / (dark + 0.05);
}

type Name = keyof typeof colours;
const grounds: Name[] = ['page', 'surface', 'sunken'];
const text: [Name, Name][] = [
  ...grounds.flatMap((ground): [Name, Name][] => [
    ['text', ground],
    ['muted', ground],
    ['accent', ground],
    ['danger', ground],
    ['ok', ground],
  ]),
  ['text', 'hover'],
  ['muted', 'hover'],
  ['on-accent', 'accent'],
  ['on-accent', 'accent-hover'],
  ['on-accent-soft', 'accent-soft'],
  ['on-danger', 'danger'],
  ['on-danger', 'danger-hover'],
  ['on-danger-soft', 'danger-soft'],
  ['on-warn-soft', 'warn-soft'],
  ['on-ok-soft', 'ok-soft'],
];

for (const [index, scheme] of ['light', 'dark'].entries()) {
  test.each(text)(`in ${scheme}, %s can be read on %s`, (front, back) => {
    expect(contrast(colours[front][index] ?? '', colours[back][index] ?? '')).toBeGreaterThanOrEqual(4.5);
  });
  test.each(grounds)(`in ${scheme}, borders of controls and the focus ring stand out from %s`, (ground) => {
    for (const line of ['line-strong', 'focus'] as const) {
      expect(contrast(colours[line][index] ?? '', colours[ground][index] ?? '')).toBeGreaterThanOrEqual(3);
    }
  });
}

test('words on the video stage can be read', () => {
  expect(contrast(stage['on-stage'], stage.stage)).toBeGreaterThanOrEqual(4.5);
  expect(contrast(stage['on-stage-muted'], stage['stage-raised'])).toBeGreaterThanOrEqual(4.5);
  expect(contrast(stage['on-stage-danger'], stage['stage-danger'])).toBeGreaterThanOrEqual(4.5);
});
