/** A form while it is built: every change makes a new form. */
import type { FormContent, FormQuestion, FormSection } from '../../protocol.ts';

/** Where a question stands. */
export interface Place {
  readonly section: number;
  readonly question: number;
}

/** Weights of all sections together, percent; 100 is what it must be. */
export function totalWeight(form: FormContent): number {
  return form.sections.reduce((sum, section) => sum + section.weight, 0);
}

/** A question's part of the whole score, percent. */
export function questionWeight(section: FormSection, question: FormQuestion): number {
  const points = section.questions.reduce((sum, one) => sum + one.points, 0);
  return points > 0 ? (section.weight * question.points) / points : 0;
}

/** A form with nothing in it but a place to begin. */
export function emptyForm(): FormContent {
  return addSection({ title: '', intro: '', sections: [] });
}

/** One more section; it takes what is missing of 100 %. */
export function addSection(form: FormContent): FormContent {
  const weight = Math.max(0, 100 - totalWeight(form));
  const section: FormSection = { title: '', weight, questions: [newQuestion(form)] };
  return { ...form, sections: [...form.sections, section] };
}

/** The form with a section changed. */
export function changeSection(form: FormContent, at: number, change: Partial<FormSection>): FormContent {
  return {
    ...form,
    sections: form.sections.map((section, index) => (index === at ? { ...section, ...change } : section)),
  };
}

/** The form without a section. */
export function removeSection(form: FormContent, at: number): FormContent {
  return { ...form, sections: form.sections.filter((_, index) => index !== at) };
}

/** The form with a section one place earlier (-1) or later (1); where there is none it stays. */
export function moveSection(form: FormContent, at: number, by: -1 | 1): FormContent {
  return { ...form, sections: moved(form.sections, at, by) };
}

/** One more question at the end of a section. */
export function addQuestion(form: FormContent, section: number): FormContent {
  const questions = form.sections[section]?.questions ?? [];
  return changeSection(form, section, { questions: [...questions, newQuestion(form)] });
}

/** The form with a question changed. */
export function changeQuestion(form: FormContent, at: Place, change: Partial<FormQuestion>): FormContent {
  const questions = form.sections[at.section]?.questions ?? [];
  return changeSection(form, at.section, {
    questions: questions.map((question, index) =>
      index === at.question ? { ...question, ...change } : question,
    ),
  });
}

/** The form without a question. */
export function removeQuestion(form: FormContent, at: Place): FormContent {
  const questions = form.sections[at.section]?.questions ?? [];
  return changeSection(form, at.section, {
    questions: questions.filter((_, index) => index !== at.question),
  });
}

/** The form with a question one place earlier or later, over the edges of sections, too. */
export function moveQuestion(form: FormContent, at: Place, by: -1 | 1): FormContent {
  const questions = form.sections[at.section]?.questions ?? [];
  const question = questions[at.question];
  const next = at.question + by;
  if (question === undefined) return form;
  if (next >= 0 && next < questions.length) {
    return changeSection(form, at.section, { questions: moved(questions, at.question, by) });
  }
  const other = form.sections[at.section + by];
  if (other === undefined) return form;
  const without = removeQuestion(form, at);
  const there = by === 1 ? [question, ...other.questions] : [...other.questions, question];
  return changeSection(without, at.section + by, { questions: there });
}

/** Makes the weights add up to 100 % and keeps their proportions as well as whole numbers can. */
export function evenOut(form: FormContent): FormContent {
  const total = totalWeight(form);
  const count = form.sections.length;
  if (count === 0 || count > 100) return form;
  const exact = form.sections.map(({ weight }) => (total > 0 ? (weight * 100) / total : 100 / count));
  const weights = exact.map((weight) => Math.max(1, Math.floor(weight)));
  // Largest remainders first get what is left; if the ones have taken too much, the largest give it back.
  let left = 100 - weights.reduce((sum, weight) => sum + weight, 0);
  const byRemainder = exact.map((weight, at) => ({ at, rest: weight - Math.floor(weight) }));
  byRemainder.sort((a, b) => b.rest - a.rest);
  for (let turn = 0; left > 0; turn += 1, left -= 1) {
    const at = byRemainder[turn % count]?.at ?? 0;
    weights[at] = (weights[at] ?? 0) + 1;
  }
  for (; left < 0; left += 1) {
    const at = weights.indexOf(Math.max(...weights));
    weights[at] = (weights[at] ?? 0) - 1;
  }
  return {
    ...form,
    sections: form.sections.map((section, at) => ({ ...section, weight: weights[at] ?? section.weight })),
  };
}

function newQuestion(form: FormContent): FormQuestion {
  const taken = new Set(form.sections.flatMap((section) => section.questions.map(({ key }) => key)));
  let number = taken.size + 1;
  while (taken.has(`q${number}`)) number += 1;
  return {
    key: `q${number}`,
    text: '',
    help: '',
    kind: { kind: 'yes_no' },
    points: 1,
    na_allowed: false,
    critical: false,
  };
}

function moved<T>(list: readonly T[], at: number, by: -1 | 1): T[] {
  const next = [...list];
  const [one] = next.splice(at, 1);
  const to = at + by;
  if (one === undefined || to < 0 || to > next.length) return [...list];
  next.splice(to, 0, one);
  return next;
}
