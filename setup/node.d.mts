export function newEnough(version: string): boolean;
export function findNode(root: string): string;
