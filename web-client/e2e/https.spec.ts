// What `make run LAN=1` gives a phone: everything over HTTPS with a certificate the server made itself.

import { connect, expect, test } from './support/fixtures.ts';

test.use({ settings: { http: { self_signed: true } } });

test('the same call works over HTTPS, and the staff cookie never leaves it', async ({
  buyer,
  agent,
  vitrine,
}) => {
  await connect(buyer, agent, { record: false });
  expect(vitrine.url).toMatch(/^https:/);
  const cookies = await agent.page.context().cookies();
  expect(cookies).toHaveLength(1);
  expect(cookies[0]).toMatchObject({ secure: true, httpOnly: true });
  expect(cookies[0]?.sameSite).toMatch(/Lax|Strict/);
  expect(await buyer.page.context().cookies(), 'the buyer gets no cookie at all').toEqual([]);
});
