import { binaries } from "./testing/bed.ts";
import { conformance } from "./testing/conformance.ts";

conformance("a keeper", binaries.ordinary);
