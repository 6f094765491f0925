/** Where `compile` puts the binary when nothing else is said. */
export const defaultOutFile: string;
export function compile(options?: {
  outFile?: string;
  sanitize?: boolean;
  testPoints?: boolean;
  force?: boolean;
}): Promise<string>;
