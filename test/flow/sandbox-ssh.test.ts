// Every promise about a process, kept in this place: ssh.
import { conforms } from "../support/sandbox-conformance.ts";

conforms("ssh");
