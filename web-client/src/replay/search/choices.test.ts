import { expect, test } from 'vitest';

import type { Facets } from '../../protocol.ts';
import { chips, offered, rangeOf, searchableFlags, withRange } from './choices.ts';

const facets: Facets = {
  count: 3,
  more: false,
  agents: [{ value: '0193aaaa-0000-7000-8000-000000000000', label: 'Mina Berg', count: 3 }],
  queues: [{ value: 'returns', label: 'Returns and refunds', count: 1 }],
  markets: [],
  languages: [],
  outcomes: [],
  flags: [],
};
const words = { facets, outcomes: [{ code: 'answered', label: 'Question answered' }] };

test('two ends of a range are one choice', () => {
  expect(rangeOf({ csat_max: '2' }, 'csat')).toBe('-2');
  expect(rangeOf({}, 'csat')).toBe('');
  expect(withRange({ q: 'x', csat_max: '2' }, 'csat', '4-')).toEqual({ q: 'x', csat_min: '4' });
  expect(withRange({ duration_min: '60', duration_max: '299' }, 'duration', '')).toEqual({});
});

test('filters read as words, ids as names, and each can be taken away', () => {
  const said = chips(
    {
      period: 'last_week',
      agent: '0193aaaa-0000-7000-8000-000000000000',
      queue: 'returns,old_one',
      market: 'AT,DE',
      outcome: 'answered,gone_now',
      csat_max: '2',
      score_max: '59',
      duration_min: '90',
      flag: 'complaint,comment',
      q: 'not among them',
    },
    words,
  );
  expect(said.map(({ label }) => label)).toEqual([
    'Last week',
    'Mina Berg',
    'Returns and refunds or old_one',
    'Austria or Germany',
    'Question answered or gone now',
    '2 stars or fewer',
    'Score: under 60 %',
    'At least 90 seconds',
    'Complaint and Buyer’s comment',
  ]);
  expect(said[5]?.fields).toEqual(['csat_min', 'csat_max']);
  expect(chips({ agent: '0193bbbb-0000-7000-8000-000000000000' }, words)[0]?.label).toBe('One agent');
});

test('what is chosen stays on offer when nothing is found with it', () => {
  const found = [{ value: 'AT', count: 2 }];
  const name = (code: string) => code;
  expect(offered(found, 'at', name).map(({ value }) => value)).toEqual(['AT']);
  expect(offered(found, 'DE,FR', name)[0]).toEqual({ value: 'DE,FR', label: 'DE, FR' });
  expect(offered(found, undefined, name)).toEqual([{ value: 'AT', label: 'AT (2)' }]);
});

test('holds are searched by those who may place them, or whose address says so', () => {
  const common = ['complaint', 'comment', 'paused', 'noted'];
  expect(searchableFlags(false, [])).toEqual([...common, 'withheld']);
  expect(searchableFlags(true, [])).toEqual([...common, 'legal_hold', 'withheld']);
  expect(searchableFlags(false, ['legal_hold'])).toEqual([...common, 'legal_hold', 'withheld']);
});
