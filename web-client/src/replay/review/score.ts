/**
 * What answers come to, shown while they are written. The server decides; `signaling/src/review/score.rs` says how and
 * why, and `vectors.json` beside it holds both to the same results.
 */
import type { Answer, Answered, Answers, FormContent, FormQuestion } from '../../protocol.ts';

/** How far a scorecard has come. */
export interface Progress {
  /** Questions that have an answer. */
  readonly answered: number;
  /** All questions. */
  readonly total: number;
  /** Key of the first question without an answer. */
  readonly missing: string | undefined;
  /** Of what is answered so far, hundredths of a percent; absent while nothing that applies is. */
  readonly score: number | undefined;
  /** The same without critical questions. */
  readonly earned: number | undefined;
  /** Keys of critical questions that are failed. */
  readonly failed: readonly string[];
  /** Of each section. */
  readonly sections: readonly (number | undefined)[];
}

/** What an answer earns of its question, 0 to 1; absent when the question does not apply. */
export function share(question: FormQuestion, answer: Answer): number | undefined {
  switch (answer.kind) {
    case 'not_applicable':
      return undefined;
    case 'yes':
      return 1;
    case 'no':
      return 0;
    case 'scale': {
      if (question.kind.kind !== 'scale') return undefined;
      const { min, max } = question.kind;
      return (answer.value - min) / Math.max(1, max - min);
    }
  }
}

/** What has been answered so far and what it comes to. */
export function progress(form: FormContent, answers: Answers): Progress {
  const given = new Map(answers.answers.map((answered) => [answered.question, answered.answer]));
  let [weights, earned, answered, total] = [0, 0, 0, 0];
  let missing: string | undefined;
  const failed: string[] = [];
  const sections = form.sections.map((section) => {
    const points = section.questions.reduce((sum, question) => sum + question.points, 0);
    let [sectionWeights, sectionEarned] = [0, 0];
    for (const question of section.questions) {
      total += 1;
      const answer = given.get(question.key);
      if (answer === undefined) {
        missing ??= question.key;
        continue;
      }
      answered += 1;
      const part = share(question, answer);
      if (part === undefined) continue;
      if (question.critical && part === 0) failed.push(question.key);
      const weight = (section.weight * question.points) / points;
      sectionWeights += weight;
      sectionEarned += weight * part;
    }
    weights += sectionWeights;
    earned += sectionEarned;
    return ratio(sectionEarned, sectionWeights);
  });
  const all = ratio(earned, weights);
  const score = all !== undefined && failed.length > 0 ? 0 : all;
  return { answered, total, missing, score, earned: all, failed, sections };
}

/** What is changed of an answer; `undefined` takes it back. */
export interface AnswerChange {
  readonly answer?: Answer | undefined;
  readonly comment?: string;
  readonly at_ms?: number | undefined;
}

/** The answers with one of them changed; a change to nothing leaves it out. */
export function withAnswer(answers: Answers, key: string, change: AnswerChange): Answers {
  const before = answerOf(answers, key);
  const next = { ...before, ...change };
  const others = answers.answers.filter((answered) => answered.question !== key);
  const empty = next.answer === undefined && next.comment === '' && next.at_ms === undefined;
  return { ...answers, answers: empty ? others : [...others, clean(next)] };
}

/** What was said to a question. */
export function answerOf(answers: Answers, key: string): Answered {
  return answers.answers.find((answered) => answered.question === key) ?? { question: key, comment: '' };
}

/** `92.5 %`; `%` stands alone where there is nothing to say. */
export function percent(score: number | undefined): string {
  return score === undefined ? '–' : `${(score / 100).toFixed(2).replace(/\.?0+$/, '')} %`;
}

/** An answer as people read it. */
export function answerWords(answer: Answer | undefined, question?: FormQuestion): string {
  switch (answer?.kind) {
    case undefined:
      return 'No answer';
    case 'yes':
      return 'Yes';
    case 'no':
      return 'No';
    case 'not_applicable':
      return 'Does not apply';
    case 'scale':
      return question?.kind.kind === 'scale'
        ? `${answer.value} of ${question.kind.max}`
        : String(answer.value);
  }
}

/** All questions of a form in order. */
export function questionsOf(form: FormContent): FormQuestion[] {
  return form.sections.flatMap((section) => section.questions);
}

function ratio(earned: number, weights: number): number | undefined {
  return weights > 0
    ? Math.min(10_000, Math.max(0, Math.floor((10_000 * earned) / weights + 0.5)))
    : undefined;
}

/** Without the fields that say nothing: the server takes a field as said when it is there. */
function clean(answered: AnswerChange & { readonly question: string; readonly comment: string }): Answered {
  return {
    question: answered.question,
    comment: answered.comment,
    ...(answered.answer === undefined ? {} : { answer: answered.answer }),
    ...(answered.at_ms === undefined ? {} : { at_ms: answered.at_ms }),
  };
}
