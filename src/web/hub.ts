// The page's one connection and what is known over it: whether it stands, which sessions, models and processes there are.
import { checkLogin, login, openGateway } from "../client/browser.ts";
import { HearthClient } from "../client/client.ts";
import type { EventParams } from "../protocol/events.ts";
import type { Result } from "../protocol/methods.ts";
import type { SessionRow } from "../protocol/rows.ts";
import { UsageWatch } from "./process/usage.ts";
import { refresher } from "./soon.ts";
import { type Store, store } from "./store.ts";

export type ProcessItem = Result<"process.list">["processes"][number];
export type Models = Result<"model.list">;

export interface HubState {
  /** `login`: the host does not know this browser. */
  connection: "connecting" | "ready" | "closed" | "login";
  /** Why a login did not work. */
  loginProblem: string | null;
  /** How often the connection has become ready: what must be read anew after a reconnect depends on it. */
  epoch: number;
  /** Null until read for the first time. */
  sessions: readonly SessionRow[] | null;
  processes: readonly ProcessItem[];
  models: Models | null;
  build: string;
  /** A turn that waits for room on the disk; null: none that this page follows. */
  stalled: { session_id: string; message: string } | null;
}

/** What `turn.stalled` says: no event of the log, since the disk that keeps the log is full. */
interface Stalled {
  session_id: string;
  stalled: boolean;
  message: string;
}

/** Lists are read a moment after something said they changed, so that a burst costs one reading. */
const SOON_MS = 120;
/** No event tells this page about other sessions' processes; while they are shown they are asked for this often. */
const WATCH_MS = 3000;

export class Hub {
  readonly state: Store<HubState> = store<HubState>({
    connection: "connecting",
    loginProblem: null,
    epoch: 0,
    sessions: null,
    processes: [],
    models: null,
    build: "",
    stalled: null,
  });
  /** What processes use, while somebody looks. */
  readonly usage = new UsageWatch(() => this.client);
  #client: HearthClient | undefined;
  readonly #sessions = refresher(
    () =>
      this.#read(
        (client) => client.call("session.list", {}),
        (r) => this.state.set({ sessions: r.sessions }),
      ),
    SOON_MS,
  );
  readonly #processes = refresher(
    () =>
      this.#read(
        (client) => client.call("process.list", { terminals: true }),
        (r) => this.state.set({ processes: r.processes }),
      ),
    SOON_MS,
  );
  readonly #models = refresher(
    () =>
      this.#read(
        (client) => client.call("model.list", {}),
        (r) => this.state.set({ models: r }),
      ),
    SOON_MS,
  );

  /** The connection, once there is one (`login` state: there is none). */
  get client(): HearthClient {
    if (this.#client === undefined) throw new Error("not logged in yet");
    return this.#client;
  }

  /** Uses the ticket in the address, if any, and connects; without a login it says so in the state. */
  async begin(): Promise<void> {
    try {
      const { ok, message } = await login();
      if (!ok) {
        this.state.set({ connection: "login", loginProblem: message ?? null });
        return;
      }
    } catch (error) {
      // The ticket has left the address by now; a person can paste it again once the host answers.
      const why = error instanceof Error ? error.message : String(error);
      this.state.set({ connection: "login", loginProblem: `The host did not answer (${why}).` });
      return;
    }
    this.#connect();
  }

  refreshProcesses(): void {
    this.#processes.changed();
  }
  refreshSessions(): void {
    this.#sessions.changed();
  }
  refreshModels(): void {
    this.#models.changed();
  }

  /** Keeps the process list current while somebody looks at it. */
  watchProcesses(): Disposable {
    this.#processes.changed();
    const timer = setInterval(() => {
      if (document.visibilityState === "visible") this.#processes.changed();
    }, WATCH_MS);
    return { [Symbol.dispose]: () => clearInterval(timer) };
  }

  #connect(): void {
    if (this.#client !== undefined) return;
    this.state.set({ connection: "connecting", loginProblem: null });
    const client = new HearthClient({
      open: openGateway,
      onState: (state, detail) => {
        if (state === "ready") {
          const build = detail !== undefined && "ready" in detail ? detail.ready.build : "";
          this.state.set({ connection: "ready", epoch: this.state.get().epoch + 1, build, stalled: null });
          this.#sessions.changed();
          this.#processes.changed();
          this.#models.changed();
          return;
        }
        // A page that was ready says "connecting again" at once, and keeps saying so between attempts.
        this.state.set({ connection: state });
        if (state === "closed") void this.#lookForLogin();
      },
    });
    this.#client = client;
    client.onHost((event) => this.#onHost(event));
  }

  /** A refused upgrade and a missing host look the same to a browser's socket; an ordinary request tells them apart. */
  async #lookForLogin(): Promise<void> {
    if ((await checkLogin()) !== "out" || this.state.get().connection === "ready") return;
    this.#client?.close();
    this.#client = undefined;
    this.state.set({ connection: "login", loginProblem: null });
  }

  #onHost(event: EventParams): void {
    if (event.type === "session.listed") this.#sessions.changed();
    else if (event.type === "config.changed") this.#models.changed();
    else if (event.type.startsWith("process.")) this.#processes.changed();
    else if (event.type === "turn.stalled") this.#onStalled(event.payload as Stalled);
  }

  #onStalled({ session_id, stalled, message }: Stalled): void {
    const shown = this.state.get().stalled;
    if (stalled && shown?.message !== message) this.state.set({ stalled: { session_id, message } });
    if (!stalled && shown?.session_id === session_id) this.state.set({ stalled: null });
  }

  async #read<R>(read: (client: HearthClient) => Promise<R>, take: (result: R) => void): Promise<void> {
    const client = this.#client;
    if (client === undefined) return;
    try {
      take(await read(client));
    } catch (error) {
      // Disconnected: the next `ready` reads everything again. Anything else is worth a line for whoever looks.
      if (this.state.get().connection === "ready") console.warn("reading a list failed", error);
    }
  }
}
