// Every promise about a process, kept in this place: bubblewrap.
import { conforms } from "../support/sandbox-conformance.ts";

conforms("bubblewrap");
