const MAX_CHARACTERS = 300;

/** What a provider has said, fit to be kept and shown: without our secrets and the customer's, and not too long. */
export function quoted(words: string, secrets: (string | null)[]): string {
  let clean = words;
  for (const secret of secrets) {
    if (secret) clean = clean.replaceAll(secret, '[redacted]');
  }
  return clean.slice(0, MAX_CHARACTERS);
}
