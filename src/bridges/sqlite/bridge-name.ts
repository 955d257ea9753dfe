/** The name that errors of the SQLite bridge give, in this process and in a reader's. */
export const BRIDGE_NAME = '@semilayer/bridge-sqlite';
