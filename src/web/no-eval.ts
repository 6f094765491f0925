// The page's policy forbids code made from text; zod is told before its first schema, so that it does not try and be reported.
import * as z from "zod";

z.config({ jitless: true });
