import { expect, test } from 'vitest';

import { clockTime, countryName, dateTime, languageName, spokenTime } from './format.ts';

test('places on a timeline are read as minutes and seconds, with hours only when there are any', () => {
  expect(clockTime(0)).toBe('0:00');
  expect(clockTime(65_900)).toBe('1:05');
  expect(clockTime(3_723_000)).toBe('1:02:03');
  expect(clockTime(-5)).toBe('0:00');
});

test('screen readers hear words', () => {
  expect(spokenTime(0)).toBe('0 seconds');
  expect(spokenTime(61_000)).toBe('1 minute 1 second');
  expect(spokenTime(7_200_000)).toBe('2 hours');
});

test('languages and countries have names, and what is no code is shown as it is', () => {
  expect(languageName('de-AT', 'en')).toBe('Austrian German');
  expect(countryName('at', 'en')).toBe('Austria');
  expect(languageName('not a tag!', 'en')).toBe('not a tag!');
  expect(countryName('?', 'en')).toBe('?');
});

test('a time that cannot be read is shown as it came', () => {
  expect(dateTime('yesterday', 'en')).toBe('yesterday');
});
