// How a process stands, as a colour with a name.

export function StatusDot({ status, exitCode }: { status: string; exitCode: number | null }) {
  if (status === "running") return <span className="ember-dot" role="img" aria-label="running" />;
  const well = status === "exited" && exitCode === 0;
  const colour = well ? "bg-good" : status === "killed" ? "bg-faint" : "bg-bad";
  return <span className={`size-2 flex-none rounded-full ${colour}`} role="img" aria-label={status} />;
}
