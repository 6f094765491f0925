/** Where `compile` puts the binary when nothing else is said. */
export const defaultOutFile: string;
/** A machine that a package carries a ready-made keeper for. */
export type Target = "linux-x64" | "linux-arm64";
export const targets: Readonly<Record<Target, { triple: string; machine: number; packages: string }>>;
export function compile(options?: {
  target?: Target;
  outFile?: string;
  sanitize?: boolean;
  testPoints?: boolean;
  force?: boolean;
}): Promise<string>;
