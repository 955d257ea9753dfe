/** What the catalogue says of a fault: what is promised, which test holds the product to it, what was seen to turn it red. */

export interface Fault {
  fault: string;
  promise: string;
  test: { file: string; name: string };
  mutation: Mutation;
}

/** A defence taken out, as one edit or a few of the sources; `npm run mutations` makes each and expects the test to fail. */
export interface Mutation {
  says: string;
  edits: readonly Edit[];
  /** Whether the test runs the built program. */
  built?: boolean;
}

export interface Edit {
  file: string;
  /** Occurs once in the file. */
  from: string;
  to: string;
}
