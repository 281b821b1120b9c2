export * from "./calls.js";
export { ApiError, type Options, type Problem } from "./transport.js";
export { verified } from "./signatures.js";
