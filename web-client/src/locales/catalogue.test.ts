import { expect, test } from 'vitest';

import { ar } from './ar.ts';
import { type Catalogue, loadStrings, openLabel, Strings } from './catalogue.ts';
import { de } from './de.ts';
import { en } from './en.ts';
import { fr } from './fr.ts';

const languages: [string, Catalogue][] = [
  ['de', de],
  ['fr', fr],
  ['ar', ar],
];
const holes = (entry: unknown) =>
  [...new Set(JSON.stringify(entry).match(/\{\w+\}/g) ?? [])].filter((hole) => hole !== '{n}').sort();

test.each(languages)('%s has every key of English, no other, and nothing empty', (_, catalogue) => {
  expect(Object.keys(catalogue).sort()).toEqual(Object.keys(en).sort());
  for (const entry of Object.values(catalogue)) {
    for (const text of typeof entry === 'string' ? [entry] : Object.values(entry))
      expect(text.trim()).not.toBe('');
  }
});

test.each(languages)('%s fills in the same things as English', (_, catalogue) => {
  for (const key of Object.keys(en) as (keyof typeof en)[])
    expect(holes(catalogue[key]), key).toEqual(holes(en[key]));
});

test.each(languages)('%s has every plural form its rules can ask for', (tag, catalogue) => {
  const { pluralCategories } = new Intl.PluralRules(tag).resolvedOptions();
  // French and others have a form for whole millions, which no queue of ours reaches.
  const wanted = pluralCategories.filter((category) => tag === 'ar' || category !== 'many');
  for (const entry of Object.values(catalogue)) {
    if (typeof entry !== 'string') expect(Object.keys(entry).sort()).toEqual([...wanted].sort());
  }
});

test('the button has the words of the catalogues', () => {
  for (const [tag, catalogue] of languages) expect(openLabel(`${tag}-XX`)).toBe(catalogue.open);
  expect(openLabel('th')).toBe(en.open);
});

test('plurals and numbers follow the language', async () => {
  expect(new Strings('en', en).t('onDuty', { n: 1 })).toBe('1 person is on duty now');
  expect(new Strings('de', de).t('onDuty', { n: 3 })).toBe('3 Personen sind jetzt für Sie da');
  expect(new Strings('ar', ar).t('onDuty', { n: 2 })).toBe('شخصان متاحان الآن');
  expect(new Strings('de-AT', de).dir).toBe('ltr');
  expect((await loadStrings('ar-EG')).dir).toBe('rtl');
  expect((await loadStrings('th')).t('open')).toBe('Video help');
});

test('waits are ranges of whole minutes, times are clocks', () => {
  const english = new Strings('en', en);
  expect(english.minutesRange([70, 230])).toBe('1–4 minutes');
  expect(english.minutesRange([90, 110])).toBe('1–2 minutes');
  expect(english.minutesRange([10, 50])).toBe('1 minute');
  expect(english.clock(65_400)).toBe('1:05');
  expect(english.clock(3_729_000)).toBe('1:02:09');
  expect(english.duration(185_000)).toBe('3 minutes, 5 seconds');
  expect(english.duration(120_000)).toBe('2 minutes');
});
