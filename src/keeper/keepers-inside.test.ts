import { binaries } from "./testing/bed.ts";
import { conformance } from "./testing/conformance.ts";

conformance("a keeper with a half inside", binaries.ordinary, (binary) => [binary, "inside"]);
conformance("a keeper with a half behind a shell", binaries.ordinary, (binary) => [
  "sh",
  "-c",
  'exec "$0" inside',
  binary,
]);
