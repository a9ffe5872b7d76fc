import { expect, test } from 'vitest';

import { ruleWords } from './rule-words.ts';

test('a rule reads as people say it', () => {
  const share = { kind: 'share', percent: 10 } as const;
  expect(ruleWords({ rule: { amount: share, per: 'agent', exclude_reviewed: true } })).toBe(
    '10 % of each agent’s calls, none reviewed before',
  );
  const count = { kind: 'count', count: 5 } as const;
  expect(ruleWords({ rule: { amount: count, per: 'all', exclude_reviewed: false } })).toBe('5 of all calls');
  expect(ruleWords({})).toBe('Picked by hand');
});
