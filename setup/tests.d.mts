export function runTests(
  files: readonly string[],
  options: { cwd?: string; reporter: string; flags?: readonly string[]; again?: boolean },
): Promise<{ code: number; unsteady: string[] }>;
