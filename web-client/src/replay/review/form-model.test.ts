import { expect, test } from 'vitest';

import type { FormContent } from '../../protocol.ts';
import {
  addQuestion,
  addSection,
  changeQuestion,
  changeSection,
  emptyForm,
  evenOut,
  moveQuestion,
  moveSection,
  questionWeight,
  removeSection,
  totalWeight,
} from './form-model.ts';

const keys = (form: FormContent): string[][] =>
  form.sections.map(({ questions }) => questions.map(({ key }) => key));
const weights = (form: FormContent): number[] => form.sections.map(({ weight }) => weight);
const weighed = (...all: number[]): FormContent =>
  all.reduce((form, weight, at) => changeSection(addSection(form), at, { weight }), {
    title: '',
    intro: '',
    sections: [],
  } as FormContent);

test('a new section takes what is missing of 100 %', () => {
  let form = emptyForm();
  expect(weights(form)).toEqual([100]);
  form = addSection(changeSection(form, 0, { weight: 70 }));
  expect(weights(form)).toEqual([70, 30]);
  expect(weights(addSection(form))).toEqual([70, 30, 0]);
});

test('questions get keys that nothing else has', () => {
  let form = addQuestion(addQuestion(emptyForm(), 0), 0);
  form = changeQuestion(form, { section: 0, question: 2 }, { key: 'q4' });
  form = addQuestion(form, 0);
  expect(keys(form)).toEqual([['q1', 'q2', 'q4', 'q5']]);
});

test('questions move within and between sections, and stop at the ends', () => {
  const form = addQuestion(addSection(addQuestion(emptyForm(), 0)), 1);
  expect(keys(form)).toEqual([
    ['q1', 'q2'],
    ['q3', 'q4'],
  ]);
  expect(keys(moveQuestion(form, { section: 0, question: 0 }, 1))).toEqual([
    ['q2', 'q1'],
    ['q3', 'q4'],
  ]);
  expect(keys(moveQuestion(form, { section: 0, question: 1 }, 1))).toEqual([['q1'], ['q2', 'q3', 'q4']]);
  expect(keys(moveQuestion(form, { section: 1, question: 0 }, -1))).toEqual([['q1', 'q2', 'q3'], ['q4']]);
  expect(moveQuestion(form, { section: 0, question: 0 }, -1)).toEqual(form);
  expect(moveQuestion(form, { section: 1, question: 1 }, 1)).toEqual(form);
});

test('sections move and go', () => {
  const form = weighed(10, 20, 70);
  expect(weights(moveSection(form, 0, 1))).toEqual([20, 10, 70]);
  expect(weights(moveSection(form, 0, -1))).toEqual([10, 20, 70]);
  expect(weights(moveSection(form, 2, 1))).toEqual([10, 20, 70]);
  expect(weights(removeSection(form, 1))).toEqual([10, 70]);
});

test.each([
  [
    [50, 50, 50],
    [34, 33, 33],
  ],
  [
    [1, 1],
    [50, 50],
  ],
  [
    [0, 0, 0, 0],
    [25, 25, 25, 25],
  ],
  [
    [1, 999],
    [1, 99],
  ],
  [
    [1, 1, 1, 997],
    [1, 1, 1, 97],
  ],
  [
    [40, 60],
    [40, 60],
  ],
])('weights %j even out to %j', (before, after) => {
  const form = evenOut(weighed(...before));
  expect(weights(form)).toEqual(after);
  expect(totalWeight(form)).toBe(100);
});

test('a question weighs its points of its section', () => {
  let form = addQuestion(weighed(40, 60), 0);
  form = changeQuestion(form, { section: 0, question: 1 }, { points: 3 });
  const section = form.sections[0];
  if (!section) throw new Error('no section');
  expect(section.questions.map((question) => questionWeight(section, question))).toEqual([10, 30]);
});
