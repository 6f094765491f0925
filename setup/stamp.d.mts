export function fingerprint(root: string, paths: readonly string[]): string;
export function readStamp(file: string): string | undefined;
export function writeStamp(file: string, text: string): void;
