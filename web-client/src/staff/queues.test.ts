import { expect, test } from 'vitest';

import { learnQueues, queueTitle } from './queues.ts';

test('a queue is called by its title, and one that is gone by its name', () => {
  expect(queueTitle('alps')).toBe('alps');
  learnQueues([{ name: 'alps', title: 'German-speaking countries' }]);
  expect(queueTitle('alps')).toBe('German-speaking countries');
  learnQueues([{ name: 'support', title: 'Support' }]);
  expect(queueTitle('alps')).toBe('alps');
});
