// What an error of SQLite means for the log: full, broken, or busy.

const FULL = 13;
const IOERR_SHMSIZE = 4874;
const NOTADB = 26;
const CORRUPT = 11;
const BUSY = 5;
const CANTOPEN = 14;
const READONLY = 8;

function errcode(error: unknown): number {
  return error instanceof Error && "errcode" in error && typeof error.errcode === "number" ? error.errcode : 0;
}

/** No room on the disk. SQLite reports a wal-index that cannot grow as an input/output error of its own. */
export const isFull = (error: unknown): boolean => (errcode(error) & 0xff) === FULL || errcode(error) === IOERR_SHMSIZE;

/** The bytes in the file are not what SQLite wrote. */
export const isCorrupt = (error: unknown): boolean => [CORRUPT, NOTADB].includes(errcode(error) & 0xff);

export const isBusy = (error: unknown): boolean => (errcode(error) & 0xff) === BUSY;

/** Words for a person about a database that cannot be opened. */
export function whyUnusable(error: unknown, file: string): string {
  const detail = error instanceof Error ? error.message : String(error);
  switch (errcode(error) & 0xff) {
    case FULL:
      return `The disk that holds ${file} is full: free some space, then start again`;
    case NOTADB:
    case CORRUPT:
      return `${file} is damaged (${detail}). It was left as it is: put a copy of it back, or move it aside together with ${file}-wal to begin anew`;
    case BUSY:
      return `${file} is in use by another program: end that first`;
    case CANTOPEN:
    case READONLY:
      return `${file} cannot be opened for writing (${detail}): check who owns it and its permissions`;
    default:
      return `${file} cannot be used (${detail}): check the disk and its mount, then start again`;
  }
}
