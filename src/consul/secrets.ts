/**
 * Removes our own secrets, in every form in which a request contains them, from an answer that errors may quote: a proxy in front
 * of Consul may echo the request.
 */
export function withoutSecrets(text: string, secrets: readonly (string | undefined)[]): string {
  let rest = text;
  for (const secret of secrets) {
    if (secret === undefined || secret === '') continue;
    const escaped = JSON.stringify(secret).slice(1, -1);
    for (const form of [secret, escaped, encodeURIComponent(secret), base64(secret)])
      rest = rest.replaceAll(form, '[redacted]');
  }
  return rest;
}

/**
 * `user:password` as in the Authorization header (RFC 7617 section 2); without a colon it is the user, as in Consul's own clients.
 */
export function basicCredentials(httpAuth: string): string {
  return base64(userAndPassword(httpAuth).join(':'));
}

/** The parts of `user:password` that must not be logged. */
export function secretsOf(httpAuth: string | undefined): readonly string[] {
  return httpAuth === undefined ? [] : [basicCredentials(httpAuth), httpAuth, userAndPassword(httpAuth)[1]];
}

function userAndPassword(httpAuth: string): readonly [string, string] {
  const [user = '', ...rest] = httpAuth.split(':');
  return [user, rest.join(':')];
}

function base64(text: string): string {
  return Buffer.from(text).toString('base64');
}
