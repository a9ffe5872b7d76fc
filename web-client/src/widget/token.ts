/** The shop's token: asked for at the tap, from the shop's own server. */
import { fetchWithTimeout, NetworkError } from '../session/rest.ts';

/** The shop's server answered, but with no token. */
export class TokenError extends Error {
  readonly status: number;

  constructor(status: number) {
    super(`The shop's token address answered ${status} without a token.`);
    this.name = 'TokenError';
    this.status = status;
  }
}

/**
 * Fetches a token. The answer is the JWT itself as text, or JSON with a `token`.
 *
 * @throws {TokenError | NetworkError}
 */
export async function fetchToken(url: string): Promise<string> {
  const response = await fetchWithTimeout(url, {
    credentials: 'same-origin',
    cache: 'no-store',
    headers: { accept: 'application/jwt, application/json, text/plain' },
  });
  if (!response.ok) throw new TokenError(response.status);
  const text = await response.text().catch((cause: unknown) => {
    throw new NetworkError(cause);
  });
  const token = tokenOf(text);
  if (!token) throw new TokenError(response.status);
  return token;
}

/** The JWT in an answer: three base64url parts, bare or as `{"token": …}`. */
export function tokenOf(text: string): string | undefined {
  let token: unknown = text.trim();
  if (text.trimStart().startsWith('{') || text.trimStart().startsWith('"')) {
    try {
      const body: unknown = JSON.parse(text);
      token = typeof body === 'object' && body !== null ? (body as { token?: unknown }).token : body;
    } catch {
      return undefined;
    }
  }
  return typeof token === 'string' && /^[\w-]+\.[\w-]+\.[\w-]+$/.test(token) ? token : undefined;
}
