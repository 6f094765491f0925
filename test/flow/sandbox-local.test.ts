// Every promise about a process, kept in this place: local.
import { conforms } from "../support/sandbox-conformance.ts";

conforms("local");
