// A file dropped on a terminal is sent into the session's workspace.
import { type DragEvent, useState } from "react";
import { upload } from "../terminal/upload.ts";
import type { Question } from "./terminal-question.tsx";

/** More at once is a mistake more often than a wish. */
const MOST_FILES = 20;

export interface DropOptions {
  session: string;
  /** What happened, in a sentence. */
  say: (text: string) => void;
  ask: (question: Question) => void;
}

/** Whether files hang over the terminal, and what its element has to listen to. */
export function useDrop({ session, say, ask }: DropOptions) {
  const [over, setOver] = useState(false);
  const send = async (files: readonly File[], overwrite: boolean): Promise<void> => {
    if (files.length > MOST_FILES) {
      say(`At most ${MOST_FILES} files at a time: nothing was sent.`);
      return;
    }
    const sent: string[] = [];
    for (const file of files) {
      say(`Sending ${file.name}…`);
      const end = await upload(session, file, overwrite);
      if (end.state === "done") sent.push(file.name);
      else if (end.state === "exists") ask({ kind: "overwrite", name: file.name, act: () => void send([file], true) });
      else {
        say(`${file.name} was not sent: ${end.why}`);
        return;
      }
    }
    say(sent.length === 0 ? "Nothing was sent." : `In the workspace now: ${sent.join(", ")}`);
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
