import { binaries } from "./testing/bed.ts";
import { conformance } from "./testing/conformance.ts";

const name = "a keeper with a half inside, both built with the sanitizers";
conformance(name, binaries.sanitized, (binary) => ["sh", "-c", 'exec "$0" inside', binary]);
