import { binaries } from "./testing/bed.ts";
import { conformance } from "./testing/conformance.ts";

conformance("a keeper built with the address and undefined-behaviour sanitizers", binaries.sanitized);
