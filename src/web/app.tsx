// The page: conversations at the left, the conversation in the middle, what runs at the right.
import { useCallback, useEffect, useRef, useState } from "react";
import type { SessionRow } from "../protocol/rows.ts";
import { recentFolders } from "./folders.ts";
import type { Hub } from "./hub.ts";
import { Banner } from "./parts/banner.tsx";
import { Composer } from "./parts/composer.tsx";
import { ConversationView } from "./parts/conversation-view.tsx";
import { Drawer } from "./parts/drawer.tsx";
import { Header } from "./parts/header.tsx";
import { Login } from "./parts/login.tsx";
import { Panel, type PanelTab } from "./parts/panel.tsx";
import { ProcessBoard } from "./parts/process-board.tsx";
import { Sidebar } from "./parts/sidebar.tsx";
import { Welcome } from "./parts/welcome.tsx";
import { parseHash, sessionHash } from "./route.ts";
import { keepWidth, keptWidth } from "./side-width.ts";
import { useField } from "./store.ts";
import { type Page, usePage } from "./use-conversation.ts";
import { useMedia } from "./use-media.ts";

export function App({ hub }: { hub: Hub }) {
  const connection = useField(hub.state, "connection");
  const problem = useField(hub.state, "loginProblem");
  useEffect(() => {
    // A link from `hearth open` pasted over the address of a page that is already open.
    const arrived = () => {
      if (parseHash(location.hash).ticket !== null) void hub.begin();
    };
    window.addEventListener("hashchange", arrived);
    return () => window.removeEventListener("hashchange", arrived);
  }, [hub]);
  if (connection === "login") {
    return (
      <>
        <span data-testid="connection" data-state="login" hidden />
        <Login
          problem={problem}
          onTicket={(ticket) => {
            location.hash = `ticket=${encodeURIComponent(ticket)}`;
          }}
        />
      </>
    );
  }
  return <Main hub={hub} />;
}

function Main({ hub }: { hub: Hub }) {
  const page = usePage(hub);
  const sessions = useField(hub.state, "sessions");
  const models = useField(hub.state, "models");
  const connection = useField(hub.state, "connection");
  const stalled = useField(hub.state, "stalled");
  const narrow = useMedia("(width <= 900px)");
  const slim = useMedia("(width <= 720px)");
  const [list, setList] = useState(false);
  const [sideWidth, setSideWidth] = useState(keptWidth);
  const [side, setSide] = useSide(narrow, page.wide);
  const [tab, setTab] = useState<PanelTab>("processes");
  const [openProcess, setOpenProcess] = useState<string | null>(null);
  const [insert, setInsert] = useState<{ text: string } | null>(null);
  const inserted = useCallback(() => setInsert(null), []);
  const [problem, setProblem] = useState<string | null>(null);
  const { id, session, go, wide, setWide, board } = page;
  useEffect(() => {
    if (!wide) return;
    setTab("terminal");
    setSide(true);
  }, [wide, setSide]);
  useFirstSession(page, sessions);
  useStopKey(page, session.busy);

  const row = sessions?.find((one) => one.session_id === id);
  const workspace = session.workspace || row?.workspace || page.folder;
  const title = session.title || row?.title || "";
  useEffect(() => {
    document.title = `${session.pending.length > 0 ? "● " : ""}${title || "Hearth"}${title ? " · Hearth" : ""}`;
  }, [title, session.pending.length]);

  const attempt = useCallback((work: Promise<unknown>) => {
    setProblem(null);
    work.catch((error: unknown) => setProblem(error instanceof Error ? error.message : String(error)));
  }, []);
  const showProcess = useCallback(
    (process: string) => {
      setOpenProcess(process);
      setTab("processes");
      setSide(true);
    },
    [setSide],
  );
  const prompts = useRef<() => string[]>(() => []);
  prompts.current = () => session.items.flatMap((item) => (item.kind === "prompt" ? [item.text] : []));
  const getPrompts = useCallback(() => prompts.current(), []);

  const untouched = session.items.length === 0 && session.queued.length === 0;
  const begin = () => {
    setList(false);
    if (id !== null && untouched && page.loaded) {
      setInsert({ text: "" });
      return;
    }
    attempt(page.begin());
  };
  const remove = async (gone: string, end: boolean) => {
    await hub.client.call("session.delete", { session_id: gone, end });
    hub.refreshSessions();
    if (gone === id) go(sessions?.find((one) => one.session_id !== gone)?.session_id ?? null);
  };
  const closeSide = () => {
    // From the whole page back to beside the conversation, and from there away.
    if (wide) setWide(false);
    if (!wide || narrow) setSide(false);
  };
  const model = session.model ?? row?.model ?? null;
  const covered = board || (wide && !narrow);

  return (
    <div className="flex h-dvh">
      <Drawer
        label="Conversations"
        side="left"
        over={slim}
        open={wide ? list : !slim || list}
        onClose={() => setList(false)}
        width="w-60"
      >
        <Sidebar
          hub={hub}
          sessions={sessions}
          current={board ? null : id}
          board={board}
          onBoard={() => setList(false)}
          onSelect={(chosen) => {
            go(chosen);
            setList(false);
          }}
          onNew={begin}
          onRename={(renamed, to) =>
            hub.client.call("session.title", { session_id: renamed, title: to }).then(() => hub.refreshSessions())
          }
          onDelete={remove}
        />
      </Drawer>
      {board && (
        <ProcessBoard
          hub={hub}
          onList={slim ? () => setList(true) : null}
          onClose={() => {
            location.hash = sessionHash(id);
          }}
        />
      )}
      <main hidden={covered} className={`min-w-0 flex-1 flex-col ${covered ? "" : "flex"}`}>
        <Header
          title={title}
          running={[...session.processes.values()].filter((process) => process.status === "running").length}
          workspace={workspace}
          folders={recentFolders(sessions ?? [], workspace)}
          onWorkspace={page.setWorkspace}
          models={models}
          model={model}
          onModel={page.setModel}
          onModelOpen={() => hub.refreshModels()}
          waiting={sessions?.some((one) => one.session_id !== id && one.pending > 0) ?? false}
          onList={slim ? () => setList(true) : null}
          sideOpen={side}
          onSide={() => setSide(!side)}
        />
        <Banner
          connection={connection}
          problem={problem}
          stalled={stalled !== null && stalled.session_id === id ? stalled.message : null}
          onDismiss={() => setProblem(null)}
        />
        <ConversationView
          key={id ?? "new"}
          session={session}
          answers={page.answers}
          call={page.call}
          onProcess={showProcess}
          empty={
            page.problem !== null ? (
              <p className="my-auto text-center text-soft" role="alert">
                {page.problem}
              </p>
            ) : page.loaded || (row !== undefined && row.updated_at === row.created_at) ? (
              <Welcome
                workspace={workspace}
                offline={(model ?? models?.current ?? "offline") === "offline"}
                onTry={(text) => setInsert({ text })}
              />
            ) : null
          }
        />
        <Composer
          key={`composer-${id ?? "new"}`}
          sessionId={id}
          busy={session.busy}
          queued={session.queued.length}
          offline={connection !== "ready"}
          prompts={getPrompts}
          onSend={page.send}
          onStop={page.stop}
          insert={insert}
          onInserted={inserted}
        />
      </main>
      <Drawer
        label="Processes and terminal"
        side="right"
        over={narrow}
        open={side && !board}
        onClose={closeSide}
        width="w-[25rem] min-[1500px]:w-[34rem]"
        edge={{ width: sideWidth, onWidth: (asked) => setSideWidth(keepWidth(asked)) }}
        whole={wide || (slim && tab === "terminal")}
      >
        <Panel
          hub={hub}
          session={id}
          tab={tab}
          onTab={(chosen) => {
            setTab(chosen);
            if (chosen !== "terminal") setWide(false);
          }}
          terminals={session.terminals}
          wide={wide}
          onWide={setWide}
          visible={side && !board}
          openProcess={openProcess}
          onOpenProcess={setOpenProcess}
          onNeedSession={() => attempt(page.ensure())}
          onClose={closeSide}
        />
      </Drawer>
    </div>
  );
}

/** Whether what stands beside the conversation is open: it must not lie over it when a window becomes narrow. */
function useSide(narrow: boolean, wide: boolean) {
  const [side, setSide] = useState(!narrow);
  // As state: what is only noted beside it would outlive a drawing that React throws away.
  const [was, setWas] = useState(narrow);
  if (was !== narrow) {
    setWas(narrow);
    setSide(!narrow || wide);
  }
  return [side, setSide] as const;
}

/**
 * Without a session in the address the page opens the latest one, once; with a folder there, the latest in that folder. Not
 * where a person has done something before the list came: what they write, or choose, is for what they see.
 */
function useFirstSession(page: Page, sessions: readonly SessionRow[] | null): void {
  /** The folder it was done for last: a conversation that appears there later must not pull a person away. */
  const done = useRef<{ folder: string | null } | null>(null);
  const { id, go, board, folder } = page;
  const touched = useRef(false);
  useEffect(() => {
    const touch = ({ type, target }: Event) => {
      if (type === "input" || (target instanceof Element && target.closest("button"))) touched.current = true;
    };
    for (const type of ["input", "click"]) window.addEventListener(type, touch, { capture: true });
    return () => {
      for (const type of ["input", "click"]) window.removeEventListener(type, touch, { capture: true });
    };
  }, []);
  useEffect(() => {
    if (sessions === null || board) return;
    const before = done.current;
    done.current = { folder };
    if (before === null ? touched.current : folder === null || before.folder === folder) return;
    const latest = folder === null ? sessions[0] : sessions.find((row) => row.workspace === folder);
    if (id === null && latest !== undefined) go(latest.session_id);
  }, [id, go, sessions, board, folder]);
}

/** Escape stops the turn, unless something nearer (a field being changed, a terminal, a drawer) has taken it. */
function useStopKey(page: Page, busy: boolean): void {
  const { stop } = page;
  useEffect(() => {
    if (!busy) return;
    const key = (event: KeyboardEvent) => {
      if (event.key !== "Escape" || event.defaultPrevented || event.isComposing) return;
      if (event.target instanceof Element && event.target.closest(".xterm")) return;
      stop();
    };
    window.addEventListener("keydown", key);
    return () => window.removeEventListener("keydown", key);
  }, [busy, stop]);
}
