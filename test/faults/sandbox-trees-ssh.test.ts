// Trees of processes that do all they can to outlive a kill: nobody is left, on a far machine.
import { describe } from "node:test";
import { Rounds } from "../support/rounds.ts";
import { noneSurvives } from "../support/sandbox-trees.ts";

describe("hostile trees", () => {
  noneSurvives("ssh", () => new Rounds(3));
  noneSurvives("ssh without a keeper", () => new Rounds(1));
});
