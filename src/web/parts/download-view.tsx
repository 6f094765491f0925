// What a link of `hearth get --link` opens: the file's name, and one button. Nothing is fetched before a person asks.
import { useState } from "react";
import { download, nameOf, type Wanted } from "../download.ts";
import { Mark } from "./icons.tsx";

export function DownloadView({ wanted }: { wanted: Wanted }) {
  const [state, setState] = useState<"asked" | "fetching" | "done">("asked");
  const [problem, setProblem] = useState<string | null>(null);
  const fetchIt = () => {
    setState("fetching");
    setProblem(null);
    download(wanted).then(
      () => setState("done"),
      (error: unknown) => {
        setState("asked");
        setProblem(error instanceof Error ? error.message : String(error));
      },
    );
  };
  return (
    <main className="grid h-dvh place-items-center overflow-y-auto p-6">
      <div className="w-full max-w-md">
        <Mark size={52} />
        <h1 className="mt-5 font-serif text-3xl leading-tight font-semibold wrap-anywhere">{nameOf(wanted.path)}</h1>
        <p className="mt-3 font-mono text-xs text-soft wrap-anywhere">{wanted.path}</p>
        <button
          type="button"
          data-testid="download"
          className="btn btn-ember mt-5"
          disabled={state === "fetching"}
          onClick={fetchIt}
        >
          {state === "fetching" ? "Fetching …" : "Download"}
        </button>
        {state === "done" && (
          <p className="mt-3 text-sm text-soft" role="status">
            It is in your downloads. You can close this page.
          </p>
        )}
        {problem !== null && (
          <p className="mt-3 text-sm text-bad" role="alert">
            {problem}
          </p>
        )}
      </div>
    </main>
  );
}
