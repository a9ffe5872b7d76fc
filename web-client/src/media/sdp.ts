/**
 * The few lines of our offer that no browser API can ask for. Everything else in it is the browser's.
 *
 * Opus, on every audio line: `usedtx=1`, because nobody should pay for silence, and `nack`, because on a long way with
 * losses in runs neither RED nor Opus' own FEC is enough while a resent packet still comes in time (the server decides
 * whether it asks for any).
 */
export function completeOffer(sdp: string): string {
  const sections = sdp.split(/(?=^m=)/m);
  return sections
    .map((section) => (section.startsWith('m=audio') ? completeAudio(section) : section))
    .join('');
}

function completeAudio(section: string): string {
  const opus = /^a=rtpmap:(\d+) opus\/48000\/2\r?$/im.exec(section)?.[1];
  if (opus === undefined) return section;
  const lines = section.split('\r\n');
  const parameters = lines.findIndex((line) => line.startsWith(`a=fmtp:${opus} `));
  if (parameters >= 0 && !lines[parameters]?.includes('usedtx=')) lines[parameters] += ';usedtx=1';
  if (!lines.includes(`a=rtcp-fb:${opus} nack`)) {
    const map = lines.findIndex((line) => line.startsWith(`a=rtpmap:${opus} `));
    lines.splice(map + 1, 0, `a=rtcp-fb:${opus} nack`);
  }
  return lines.join('\r\n');
}
