/**
 * The design tokens: every colour, space, size and duration that the three surfaces use, as CSS custom properties.
 *
 * Colours come in pairs (light, dark). Text colours keep at least 4.5 : 1 on the surfaces they are named for, lines
 * that carry meaning (`line-strong`, `focus`) at least 3 : 1 (WCAG 2.2, 1.4.3 and 1.4.11); `tokens.test.ts` measures it.
 */
import { type CSSResult, unsafeCSS } from 'lit';

/** Colour name → what it is in light and in dark. */
export const colours = {
  /** Behind everything. */
  page: ['#f5f4f0', '#101415'],
  /** Cards, panels, dialogs. */
  surface: ['#ffffff', '#191f20'],
  /** Wells inside a card: lists, media placeholders. */
  sunken: ['#f3f2ee', '#121718'],
  /** A row or a quiet button under the pointer. */
  hover: ['#eae8e2', '#262e30'],
  text: ['#1a2325', '#eef3f2'],
  muted: ['#546063', '#a5b3b2'],
  line: ['#e0ded7', '#2e3739'],
  'line-strong': ['#808b8b', '#73838a'],
  accent: ['#0b665f', '#63d2c5'],
  'accent-hover': ['#084f4a', '#86e0d5'],
  'on-accent': ['#ffffff', '#05211e'],
  'accent-soft': ['#e2f1ee', '#16312e'],
  'on-accent-soft': ['#0a4c47', '#a9e8e0'],
  danger: ['#b42318', '#ff9086'],
  'danger-hover': ['#8f1b12', '#ffb0a8'],
  'on-danger': ['#ffffff', '#3b0a06'],
  'danger-soft': ['#fdecea', '#3c1b18'],
  'on-danger-soft': ['#8c1d14', '#ffb9b2'],
  'warn-soft': ['#fdf0d5', '#3a2d10'],
  'on-warn-soft': ['#6a4500', '#ffd58a'],
  ok: ['#1a7540', '#7ed9a0'],
  'ok-soft': ['#e3f4e8', '#15321f'],
  'on-ok-soft': ['#14592f', '#a6e8bd'],
  focus: ['#0b665f', '#8fe9de'],
} as const satisfies Record<string, readonly [light: string, dark: string]>;

/** The dark ground video stands on, and what stands on it; the same in light and dark. */
export const stage = {
  stage: '#0e1314',
  'stage-raised': '#20292b',
  'on-stage': '#f4f7f6',
  'on-stage-muted': '#b4c0bf',
  speaking: '#63d2c5',
  'stage-danger': '#d93a2d',
  'on-stage-danger': '#ffffff',
} as const;

const declarations = (value: (pair: readonly [string, string]) => string): string =>
  Object.entries(colours)
    .map(([name, pair]) => `--v-${name}:${value(pair)};`)
    .join('');

const shared = `
  ${Object.entries(stage)
    .map(([name, value]) => `--v-${name}:${value};`)
    .join('')}
  --v-s1:4px; --v-s2:8px; --v-s3:12px; --v-s4:16px; --v-s5:24px; --v-s6:32px; --v-s7:48px; --v-s8:64px;
  --v-font:system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans","Noto Sans Arabic",sans-serif;
  --v-mono:ui-monospace,"SF Mono","Cascadia Mono",Menlo,Consolas,monospace;
  --v-rem:1rem;
  --v-text-xs:calc(var(--v-rem)*.75); --v-text-sm:calc(var(--v-rem)*.875); --v-text-md:var(--v-rem);
  --v-text-lg:calc(var(--v-rem)*1.125); --v-text-xl:calc(var(--v-rem)*1.375); --v-text-2xl:calc(var(--v-rem)*1.75);
  --v-leading:1.5; --v-leading-tight:1.25;
  --v-radius-sm:8px; --v-radius:12px; --v-radius-lg:20px; --v-radius-full:999px;
  --v-shadow-1:0 1px 2px rgb(16 24 24/.06),0 1px 3px rgb(16 24 24/.1);
  --v-shadow-2:0 4px 12px rgb(16 24 24/.1),0 2px 4px rgb(16 24 24/.06);
  --v-shadow-3:0 20px 48px rgb(8 16 16/.24),0 4px 12px rgb(8 16 16/.12);
  --v-fast:120ms; --v-slow:240ms; --v-ease:cubic-bezier(.2,0,0,1);
  --v-target:40px;
`;

/**
 * The token sheet for a surface: `:root` of a page, or `:host` of the one element that is a surface on somebody
 * else's page. Browsers without `light-dark()` get the light colours.
 */
export const tokens: CSSResult = unsafeCSS(`
  :root,:host{color-scheme:light dark;${shared}${declarations(([light]) => light)}}
  @supports (color:light-dark(#000,#fff)){:root,:host{${declarations(([light, dark]) => `light-dark(${light},${dark})`)}}}
  :root[data-theme=light],:host([theme=light]){color-scheme:light}
  :root[data-theme=dark],:host([theme=dark]){color-scheme:dark}
  @media (pointer:coarse){:root,:host{--v-target:44px}}
  @media (prefers-reduced-motion:reduce){:root,:host{--v-fast:0ms;--v-slow:0ms}}
`);
