// A failure that a person can do something about: what happened in one sentence, and what to do.
export class Trouble extends Error {
  /** @param {string} message @param {string} remedy @param {string} [details] the end of a tool's output */
  constructor(message, remedy, details = "") {
    super(message);
    this.remedy = remedy;
    this.details = details;
  }
}
