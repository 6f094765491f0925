// Trees of processes that do all they can to outlive a kill: nobody is left, on this machine.
import { describe } from "node:test";
import { Rounds } from "../support/rounds.ts";
import { noneSurvives } from "../support/sandbox-trees.ts";

describe("hostile trees", () => {
  noneSurvives("local", () => new Rounds(10));
  noneSurvives("bubblewrap", () => new Rounds(3));
  noneSurvives("container", () => new Rounds(3));
});
