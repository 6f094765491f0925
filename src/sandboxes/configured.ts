// Sandboxes as people describe them: the shape in which the settings come.

interface Common {
  /** Variables of the host's environment and the login profile that go in, beside language and time zone. */
  environment: readonly string[];
  /** False: only people choose it, and the setting that says where the agent's commands run. */
  agent: boolean;
}
export interface BubblewrapConfig extends Common {
  kind: "bubblewrap";
  network: boolean;
  read: readonly string[];
  write: readonly string[];
  options: readonly string[];
}
export interface ContainerConfig extends Common {
  kind: "container";
  program?: string | undefined;
  image?: string | undefined;
  container?: string | undefined;
  network: boolean;
  global_options: readonly string[];
  options: readonly string[];
}
export interface SshConfig extends Common {
  kind: "ssh";
  host: string;
  cwd?: string | undefined;
  keeper: boolean;
  options: readonly string[];
}
export interface CommandConfig extends Common {
  kind: "command";
  argv: readonly string[];
  clean_up?: readonly string[] | undefined;
  shell: readonly string[];
  start_s: number;
}
export interface ModuleConfig extends Common {
  kind: "module";
  file: string;
  sha256?: string | undefined;
  options: Readonly<Record<string, unknown>>;
}
export type SandboxConfig = BubblewrapConfig | ContainerConfig | SshConfig | CommandConfig | ModuleConfig;
