// Every promise about a process, kept in this place: ssh without a keeper.
import { conforms } from "../support/sandbox-conformance.ts";

conforms("ssh without a keeper");
