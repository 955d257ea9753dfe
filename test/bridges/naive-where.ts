/** The oracle that compiled SQL is held against: the one that bridge authors have. It shares nothing with the compiler. */
export * from '../../src/bridges/conformance/oracle.ts';
