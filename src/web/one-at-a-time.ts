// What must not be done twice because somebody was quicker than the line: who asks for it meanwhile is given the same.

export class OneAtATime<T> {
  #underWay: Promise<T> | null = null;

  /** What is under way; null: nothing. */
  get underWay(): Promise<T> | null {
    return this.#underWay;
  }

  /** Begins `work`, unless something is under way: then that. */
  begin(work: () => Promise<T>): Promise<T> {
    if (this.#underWay !== null) return this.#underWay;
    const mine = work();
    this.#underWay = mine;
    const over = () => {
      this.#underWay = null;
    };
    mine.then(over, over);
    return mine;
  }
}
