// What a card may ask the host to do; the page gives one implementation, a card needs no more than this.
export interface Answers {
  /** Rejects with a sentence for the person if the answer did not count. */
  approve(requestId: string, choice: "once" | "session" | "always" | "deny"): Promise<unknown>;
  clarify(requestId: string, answer: string): Promise<unknown>;
  /** Takes back words that wait for their turn. */
  withdraw(turnId: string): Promise<unknown>;
}
