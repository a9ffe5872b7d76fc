/** How a worklist came about, in words. No UI. */
import type { Sample, Stratum } from '../../protocol.ts';

const OF: Readonly<Record<Stratum, string>> = {
  agent: ' of each agent’s calls',
  queue: ' of each queue’s calls',
  market: ' of each country’s calls',
  all: ' of all calls',
};

export function ruleWords({ rule }: Pick<Sample, 'rule'>): string {
  if (!rule) return 'Picked by hand';
  const { amount, per, exclude_reviewed } = rule;
  const much = amount.kind === 'share' ? `${amount.percent} %` : `${amount.count}`;
  return `${much}${OF[per]}${exclude_reviewed ? ', none reviewed before' : ''}`;
}
