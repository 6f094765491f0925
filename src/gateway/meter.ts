// What this host process has counted since it began, as Prometheus text.

const help: Record<string, string> = {
  hearth_rpc_requests_total: "Requests that reached a method, by method.",
  hearth_rpc_errors_total: "Requests answered with an error, by reason.",
  hearth_refused_total: "Requests refused before any route, by status.",
  hearth_connections_total: "Streams and sockets accepted, by kind.",
  hearth_given_up_total: "Peers given up because they took nothing for too long, or flooded the host.",
};

export class Meter {
  readonly #counts = new Map<string, Map<string, number>>();

  /** Labels come from our own tables, never from a request: their number is bounded. */
  count(name: keyof typeof help & string, label = ""): void {
    const counts = this.#counts.get(name) ?? new Map<string, number>();
    this.#counts.set(name, counts);
    counts.set(label, (counts.get(label) ?? 0) + 1);
  }

  /** `gauges`: what is so at this moment, by name. Labels are written as `label="…"`. */
  text(gauges: Readonly<Record<string, number>>): string {
    const lines: string[] = [];
    for (const [name, value] of Object.entries(gauges)) lines.push(`# TYPE ${name} gauge`, `${name} ${value}`);
    for (const [name, counts] of this.#counts) {
      lines.push(`# HELP ${name} ${help[name] ?? ""}`, `# TYPE ${name} counter`);
      for (const [label, count] of counts) lines.push(`${name}${label && `{label="${label}"}`} ${count}`);
    }
    return `${lines.join("\n")}\n`;
  }
}
