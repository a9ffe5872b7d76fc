import { expect, test } from 'vitest';

import { completeOffer } from './sdp.ts';

const offer = [
  'v=0',
  's=-',
  'm=audio 9 UDP/TLS/RTP/SAVPF 63 111 0',
  'a=rtpmap:63 red/48000/2',
  'a=fmtp:63 111/111',
  'a=rtpmap:111 opus/48000/2',
  'a=rtcp-fb:111 transport-cc',
  'a=fmtp:111 minptime=10;useinbandfec=1',
  'm=video 9 UDP/TLS/RTP/SAVPF 96',
  'a=rtpmap:96 VP8/90000',
  'a=fmtp:111 not=audio',
  '',
].join('\r\n');

test('Opus asks for DTX and resent packets; nothing else in the offer changes', () => {
  const completed = completeOffer(offer);
  expect(completed).toContain('a=fmtp:111 minptime=10;useinbandfec=1;usedtx=1\r\n');
  expect(completed).toContain('a=rtpmap:111 opus/48000/2\r\na=rtcp-fb:111 nack\r\n');
  expect(completed.replace(';usedtx=1', '').replace('a=rtcp-fb:111 nack\r\n', '')).toBe(offer);
});

test('completing twice, or an offer without Opus, changes nothing', () => {
  const once = completeOffer(offer);
  expect(completeOffer(once)).toBe(once);
  const without = offer.replaceAll('opus', 'L16');
  expect(completeOffer(without)).toBe(without);
});
