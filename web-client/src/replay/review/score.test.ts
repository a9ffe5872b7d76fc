import { expect, test } from 'vitest';

import json from '../../../../signaling/src/review/vectors.json';
import type { Answers, FormContent, Scored } from '../../protocol.ts';
import { answerOf, percent, progress, withAnswer } from './score.ts';

interface Vector {
  readonly name: string;
  readonly form: FormContent;
  readonly answers: Answers;
  readonly scored: Scored;
}

// The literals of JSON are wider than the protocol's.
const vectors = json as unknown as Vector[];

test.each(vectors.map((vector) => [vector.name, vector] as const))(
  'the page and the server agree: %s',
  (_, { form, answers, scored }) => {
    const seen = progress(form, answers);
    expect(seen.score).toBe(scored.score);
    expect(seen.earned).toBe(scored.earned);
    expect(seen.failed).toEqual(scored.failed);
    expect(seen.sections.map((section) => section ?? null)).toEqual(scored.sections);
    expect(seen.answered).toBe(seen.total);
  },
);

const { form } = vectors[0] as Vector;
const nothing: Answers = { answers: [], comment: '' };

test('nothing answered is no score, and the first question is what is missing', () => {
  expect(progress(form, nothing)).toMatchObject({ answered: 0, total: 4, missing: 'a', score: undefined });
});

test('what is answered so far is counted as if nothing else were asked', () => {
  const some = withAnswer(nothing, 'a', { answer: { kind: 'yes' } });
  expect(progress(form, some)).toMatchObject({ answered: 1, missing: 'b', score: 10_000 });
});

test('an answer can be taken back, with its comment kept', () => {
  let answers = withAnswer(nothing, 'a', { answer: { kind: 'no' } });
  answers = withAnswer(answers, 'a', { comment: 'Because', at_ms: 1_500 });
  expect(answerOf(answers, 'a')).toEqual({
    question: 'a',
    answer: { kind: 'no' },
    comment: 'Because',
    at_ms: 1_500,
  });
  answers = withAnswer(answers, 'a', { answer: undefined });
  expect(answerOf(answers, 'a')).toEqual({ question: 'a', comment: 'Because', at_ms: 1_500 });
  answers = withAnswer(answers, 'a', { comment: '', at_ms: undefined });
  expect(answers.answers).toEqual([]);
});

test('scores are written with as many decimals as they need', () => {
  expect([10_000, 9_250, 6_667, 0, 1_000, undefined].map(percent)).toEqual([
    '100 %',
    '92.5 %',
    '66.67 %',
    '0 %',
    '10 %',
    '–',
  ]);
});
