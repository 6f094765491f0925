// Every promise about a process, kept in this place: container.
import { conforms } from "../support/sandbox-conformance.ts";

conforms("container");
