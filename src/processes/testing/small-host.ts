// As much of a host as processes and terminals need: a real log and real keepers in a home of their own, and restarts.
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { compile, defaultOutFile } from "../../../native/compile.mjs";
import type { Adopted, Child } from "../../keeper/keepers.ts";
import { Keepers } from "../../keeper/keepers.ts";
import type { EventLog } from "../../log/event-log.ts";
import { openLog } from "../../log/open.ts";
import type { EventType, Recorded, RecordedOf } from "../../protocol/events.ts";
import type { Environment } from "../environment.ts";
import { Processes, type ProcessSettings } from "../processes.ts";

export class SmallHost implements AsyncDisposable {
  readonly home: string;
  /** The person's home folder: profiles go here. */
  readonly userHome: string;
  readonly warnings: string[] = [];
  settings: ProcessSettings = { graceMs: 2_000, waitLimitMs: 20_000, spoolBytes: 1 << 20, passEnvironment: [] };
  base: Environment;
  log!: EventLog;
  keepers!: Keepers;
  adopted: Adopted[] = [];
  /** How the next `up` sees a child that the keepers found. */
  seen: (child: Child) => Child = (child) => child;
  processes!: Processes;
  #up = false;

  private constructor(home: string) {
    this.home = home;
    this.userHome = path.join(home, "user");
    this.base = { PATH: "/usr/local/bin:/usr/bin:/bin", HOME: this.userHome, SHELL: "/bin/bash", USER: "tester" };
  }

  static async start(prepare?: (host: SmallHost) => Promise<void>): Promise<SmallHost> {
    await compile({});
    const host = new SmallHost(await mkdtemp(path.join(tmpdir(), "hearth-processes-")));
    await mkdir(host.userHome);
    await prepare?.(host);
    await host.up();
    return host;
  }

  readonly warn = (text: string): void => {
    this.warnings.push(text);
  };

  async up(): Promise<void> {
    this.log = await openLog({ home: path.join(this.home, "state"), onWarning: this.warn });
    const childrenDir = path.join(this.home, "state", "children");
    this.keepers = await Keepers.open({ childrenDir, binary: defaultOutFile, onWarning: this.warn });
    const found = await this.keepers.adopt();
    this.adopted = found.map((one) => ("child" in one ? { ...one, child: this.seen(one.child) } : one));
    this.processes = await Processes.open({
      keepers: this.keepers,
      log: this.log,
      adopted: this.adopted,
      baseEnvironment: this.base,
      settings: () => this.settings,
      defaultCwd: this.home,
      onWarning: this.warn,
    });
    this.#up = true;
  }

  /** Lets go of everything; the children live on. */
  async down(): Promise<void> {
    if (!this.#up) return;
    this.#up = false;
    await this.processes.close();
    await this.keepers.close();
    await this.log[Symbol.asyncDispose]();
  }

  /** All events of one kind in a stream. */
  async events<T extends EventType>(stream: string, type: T): Promise<RecordedOf<T>[]> {
    const all = await this.log.read(stream, 0, 10_000);
    return all.filter((event): event is Recorded & RecordedOf<T> => event.type === type);
  }

  /** Resolves with the first event of a kind in a stream that fits. */
  async event<T extends EventType>(
    stream: string,
    type: T,
    fits: (event: RecordedOf<T>) => boolean = () => true,
  ): Promise<RecordedOf<T>> {
    const patience = AbortSignal.timeout(60_000);
    for await (const page of this.log.follow(stream, 0, patience))
      for (const event of page) if (event.type === type && fits(event as RecordedOf<T>)) return event as RecordedOf<T>;
    throw new Error(`no ${type} came in ${stream}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#up) {
      await this.processes.killAll({}, "test");
      await this.down();
    }
    await rm(this.home, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 });
  }
}
