/** Text of SQLite, which comes as bytes: the driver ends the process at text that is not valid UTF-8. */

export type TextEncoding = 'UTF-8' | 'UTF-16le' | 'UTF-16be';

/** What cannot be decoded becomes U+FFFD. */
export function textDecoder(encoding: TextEncoding): (bytes: Buffer) => string {
  if (encoding === 'UTF-8') return bytes => bytes.toString('utf8');
  const decoder = new TextDecoder(label(encoding), { ignoreBOM: true });
  return bytes => decoder.decode(bytes);
}

/** A name of the schema; undefined where its bytes are no text, for nobody could ask for it. */
export function nameDecoder(encoding: TextEncoding): (bytes: unknown) => string | undefined {
  const decoder = new TextDecoder(label(encoding), { ignoreBOM: true, fatal: true });
  return bytes => {
    try {
      return decoder.decode(bytes as Buffer);
    } catch {
      return undefined;
    }
  };
}

function label(encoding: TextEncoding): string {
  return encoding.toLowerCase();
}
