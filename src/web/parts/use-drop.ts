// Files dropped on a terminal are sent to where its shell is, and their names can be typed there.
import { type DragEvent, useState } from "react";
import { type Arrived, upload, whereTo } from "../terminal/upload.ts";
import type { Question } from "./terminal-question.tsx";

/** More at once is a mistake more often than a wish. */
const MOST_FILES = 20;

export interface DropOptions {
  session: string;
  /** Id of the terminal; null while it has none. */
  terminal: () => string | null;
  /** What happened, in a sentence; and the files that have arrived, if any. */
  say: (text: string, arrived: readonly string[]) => void;
  ask: (question: Question) => void;
}

/** Whether files hang over the terminal, and what its element has to listen to. */
export function useDrop({ session, terminal, say, ask }: DropOptions) {
  const [over, setOver] = useState(false);
  const send = async (files: readonly File[], overwrite: boolean): Promise<void> => {
    if (files.length > MOST_FILES) {
      say(`At most ${MOST_FILES} files at a time: nothing was sent.`, []);
      return;
    }
    const sent: Arrived[] = [];
    const places = () => sent.map((one) => one.place);
    for (const file of files) {
      say(`Sending ${file.name}…`, []);
      const end = await upload({ session, terminal: terminal(), file, overwrite });
      if (end.state === "done") sent.push(end);
      else if (end.state === "exists") ask({ kind: "overwrite", name: file.name, act: () => void send([file], true) });
      else {
        say(`${file.name} was not sent: ${end.why}`, places());
        return;
      }
    }
    say(sent.length === 0 ? "Nothing was sent." : whereTo(sent), places());
  };
  const on = {
    onDragOver: (event: DragEvent) => {
      if (!event.dataTransfer.types.includes("Files")) return;
      event.preventDefault();
      event.dataTransfer.dropEffect = "copy";
      setOver(true);
    },
    onDragLeave: (event: DragEvent) => {
      if (!event.currentTarget.contains(event.relatedTarget as Node | null)) setOver(false);
    },
    onDrop: (event: DragEvent) => {
      setOver(false);
      if (event.dataTransfer.files.length === 0) return;
      event.preventDefault();
      void send([...event.dataTransfer.files], false);
    },
  };
  return { over, on };
}
