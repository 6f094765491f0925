/* What the parts of the keeper share. Start reading at keeper.c; README.md has the map. */
#ifndef HEARTH_KEEPER_H
#define HEARTH_KEEPER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct pollfd;

/* ---- limits ---- */
enum {
  MAX_CONNECTIONS = 16,        /* host connections to one keeper; the oldest that never said HELLO makes room */
  MAX_BODY = 64 * 1024 + 64,   /* one frame from the host */
  INPUT_ROOM = 1024 * 1024,     /* input that the child has not taken yet */
  MAX_OUTGOING = 64 * 1024,    /* frames that a host has not taken yet; past it the connection is cut */
  MAX_SPEC = 16 * 1024 * 1024,
  MAX_CANONICAL = 4095,        /* a terminal in line mode silently drops what a line has beyond this */
  MAX_KILLS = 32,              /* KILL requests waiting for the end of the tree */
  MAX_GROUPS = 4,              /* control groups of one child: one, or one for each old hierarchy */
  RECORD_SIZE = 4096,
  CHUNK = 64 * 1024,
  TERMINAL_DRAIN = 4 * 1024 * 1024, /* what is read of a terminal after its child's death; descendants may write for ever */
  WINDOW = 1024 * 1024,        /* output that a sandbox's half may send before the other says that it was taken */
  MAX_WAITING = 256,           /* requests that a sandbox's half has not answered yet, MAX_KILLS of them for KILL alone */
  MAX_WORDS = 1500,            /* the last words of a transport, as they stand in a record */
  MAX_LOG = 64 * 1024,         /* transport.log */
  LAST_GRACE_MS = 2000,        /* for whoever is ended because somebody else is gone */
};

/* ---- frames: u8 type, u32 length, body; numbers are big-endian ---- */
enum frame {
  HELLO = 1,   /* secret */
  INPUT = 2,   /* u32 request, bytes */
  END_INPUT = 3, /* u32 request */
  RESIZE = 4,  /* u32 request, u16 rows, u16 columns */
  SIGNAL = 5,  /* u32 request, u8 signal */
  KILL = 6,    /* u32 request, u8 first signal, u32 grace in ms (0: no escalation) */
  ACK = 7,     /* nothing */
  WELCOME = 65, /* u8 version, u64 length, u64 first kept, u32 refused HELLOs, u8 running (1) or still starting (0) */
  TAKEN = 66,  /* u32 request, u32 bytes taken, u32 errno (0: done) */
  GREW = 67,   /* u64 length, u64 first kept, u32 refused HELLOs */
  EXITED = 68, /* the exit record */
  CLOSED = 69, /* the closed record */
  LIVED = 70,  /* the inside record: only where there is a sandbox */
  /* Between the two halves of a keeper, over a transport. INPUT to KILL and TAKEN are as above, numbers of signals and
     errors are those of the far end. The inside half begins, with its greeting; so nothing is sent to a stranger. */
  COMMAND = 33,  /* u8 version, then entries of the spec */
  GO = 34,       /* nothing: READY is recorded */
  GRANT = 35,    /* u64 bytes of output taken so far */
  READY = 97,    /* u32 pid, u8 terminal (1) or pipe (0), u8 best effort */
  LIVE = 98,     /* nothing: it was executed */
  FAILED = 99,   /* u32 errno, the step that failed */
  OUTPUT = 100,  /* bytes */
  DEATH = 101,   /* u8 by signal (1) or code (0), u8 which, u8 core, u8 what ended it */
  SILENCE = 102, /* u32 stragglers: the end of output */
  HIT = 103,     /* u8 limits that were hit in there; only where it was started as `limits inside` */
};
enum { HIT_MEMORY = 1, HIT_PIDS = 2, HIT_ALL = 3 };
enum { PROTOCOL_VERSION = 1, INSIDE_VERSION = 1, FRAME_HEAD = 5 };
#define GREETING "\0hearth-inside:" /* and one byte more: the version */
enum { GREETING_LENGTH = sizeof GREETING - 1 };
enum { ENDED_BY_ITSELF, ENDED_BY_SIGNAL, ENDED_BY_KILL };

/* ---- sys.c: the operating system, where Linux and macOS differ ---- */
int64_t now_ms(void);       /* wall clock */
int64_t monotonic_ms(void);
bool boot_id(char *into, size_t size);
/* Start time of a process as the kernel counts it; false when there is no such process. state and parent may be NULL. */
bool process_facts(pid_t pid, uint64_t *tick, char *state, pid_t *parent);
bool become_subreaper(void); /* false: best effort only */
bool write_all(int fd, const void *bytes, size_t length);
bool set_nonblocking(int fd);
bool pipe_cloexec(int fds[2]);
int open_terminal(int *slave, unsigned rows, unsigned columns); /* master, or -1 with errno */
void close_inherited(int from);

/* ---- mac.c ---- */
void hmac_sha256(const void *key, size_t key_length, const void *message, size_t length, uint8_t digest[32]);
bool same_secret(const char *a, size_t a_length, const char *b, size_t b_length); /* in constant time */

/* ---- limits.c ---- */
struct groups { char *paths[MAX_GROUPS]; unsigned count; bool required; };
bool groups_keep(struct groups *groups, const char *path);
pid_t groups_fork(const struct groups *groups); /* as fork, and already in the group where the kernel can */
int groups_join(const struct groups *groups, pid_t pid); /* errno of the first that would not have it, or 0 */
void groups_stop(const struct groups *groups);           /* before a KILL: nobody in them forks any more */

/* ---- frames.c ---- */
uint8_t *put_number(uint8_t *at, uint64_t value, int bytes);
uint64_t number_at(const uint8_t *at, int bytes);
struct incoming { uint8_t header[FRAME_HEAD], *body; size_t have, length; bool whole, broken; };
/* Answers how many bytes were used, at most to the end of one frame. Then it is whole, until it is cleared. */
size_t incoming_feed(struct incoming *in, const uint8_t *bytes, size_t count, size_t most);
void incoming_clear(struct incoming *in);
struct outgoing { uint8_t *bytes; size_t begin, length, room; };
bool outgoing_raw(struct outgoing *out, const void *bytes, size_t count); /* false: no memory, nothing was added */
bool outgoing_frame(struct outgoing *out, enum frame type, const void *head, size_t head_length, const void *rest,
                    size_t rest_length);
bool outgoing_flush(struct outgoing *out, int fd); /* false: nobody is there to take it */
void outgoing_clear(struct outgoing *out);

/* ---- wake.c ---- */
int wake_open(void);   /* to be polled, or -1 */
bool wake_heard(void); /* true: asked to end, by SIGTERM */

/* ---- record.c: the files of a child ---- */
struct spec {
  char *buffer;
  char mark[80], secret[160];
  char **argv, **env; /* point into buffer */
  const char *cwd;
  bool pty, pty_fallback;
  unsigned rows, columns;
  uint64_t quota;
  struct groups groups; /* kept when the rest is released */
  size_t size; /* of buffer */
  char **via_argv, **via_env; /* the command that leads into a sandbox; via_argv[0] NULL: none */
  const char *via_cwd;
  uint32_t deadline_ms;
  bool errors_apart; /* standard error is not output */
};
bool read_spec(struct spec *spec, const char *file);
bool parse_spec(struct spec *spec, char *buffer, size_t size); /* the buffer is the spec's from now on */
bool passed_inside(const char *entry);
void mark_environment(struct spec *spec);
void release_spec(struct spec *spec); /* what only the start needed */

struct record { char text[RECORD_SIZE]; size_t length; };
void record_begin(struct record *record);
void record_add(struct record *record, const char *format, ...) __attribute__((format(printf, 2, 3)));
void record_sign(struct record *record, const char *name, const char *secret);
void record_words(struct record *record, const char *words, size_t length); /* as one line */
int record_reserve(const char *name);                        /* an open file with its space allocated, or -1 */
bool record_fill(int fd, const struct record *record);       /* into reserved space, durable */
bool record_publish(const char *name, const struct record *record); /* written aside, durable, renamed */

/* ---- spool.c ---- */
struct spool {
  int fd;
  uint64_t length, first, start, segment, quota;
  int failure;
  char *held; /* output that the full disk did not take; NULL: none */
  size_t held_length;
  int64_t retry_at;
};
bool spool_open(struct spool *spool, uint64_t quota);
bool spool_put(struct spool *spool, const char *bytes, size_t count); /* false: neither disk nor memory had room */
void spool_retry(struct spool *spool);

/* ---- start.c ---- */
struct child {
  pid_t pid;
  int output, input, errors, slave, gate, report;
  bool pty;
  uint64_t tick; /* 0: this system does not say */
};
/* Opens pipes or a terminal and forks the gated child. On failure errno is set and step names what failed. */
bool child_fork(struct child *child, const struct spec *spec, mode_t umask_of_child, const char **step);
struct start_failure { int step, error; };
extern const char *const start_steps[];

/* ---- child.c ---- */
size_t child_read(struct child *child, char *into, size_t most);
size_t child_waiting(const struct child *child); /* in the kernel */
size_t child_last_output(struct child *child);   /* it is dead: at most so much is to be read before its end is told */
void child_end_output(struct child *child);
int child_signal(const struct child *child, int signal); /* answers 0 or an errno */
int child_resize(const struct child *child, unsigned rows, unsigned columns);
enum report { REPORT_NONE, REPORT_RUNS, REPORT_FAILED };
enum report child_report(struct child *child, struct start_failure *failure);
bool child_open_gate(struct child *child);

/* ---- input.c ---- */
struct input { char *bytes; size_t begin, length; size_t line; bool end_wanted; };
size_t input_take(struct input *input, struct child *child, const char *bytes, size_t count, int *failure);
void input_drain(struct input *input, struct child *child);
void input_end(struct input *input, struct child *child);
void input_drop(struct input *input, struct child *child);

/* ---- tree.c ---- */
void tree_signal(int signal, pid_t leader); /* to every descendant, deepest first; leader 0: the child is reaped */
unsigned tree_count(void);
bool tree_visible(void); /* false: best effort only */

/* ---- ending.c ---- */
struct ending { bool begun, asked, insisted; int64_t insist_at, survivors_wait; };
void ending_note(struct ending *ending, pid_t child, int signal); /* before anything else ends it with that signal */
void ending_begin(struct ending *ending, pid_t child, int first_signal, uint32_t grace_ms);
void ending_continue(struct ending *ending, pid_t child);
uint8_t ending_step(const struct ending *ending); /* what ended the child, asked right after its death */

/* ---- serve.c ---- */
struct connection {
  int fd;
  bool trusted, unacknowledged;
  uint64_t told, since;
  unsigned generation;
  struct incoming in;
  struct outgoing out;
};

/* ---- keeper.c ---- */
struct kill_request { unsigned connection, generation; uint32_t request; };
struct keeper {
  const char *name; /* of the child: its directory's last part */
  struct spec spec;
  struct child child;
  struct spool spool;
  struct input input;
  struct connection connections[MAX_CONNECTIONS];
  int listener, exit_fd, closed_fd, reply, wake;
  bool best_effort;
  int unlimited; /* errno: why it is not in its control groups */
  bool starting, exited, output_ended, closed, no_children;
  int64_t close_at; /* 0: not closing */
  struct ending ending;
  char runs[256]; /* what `live` says, for the answer; empty for a sandbox, where it says too little */
  struct kill_request kills[MAX_KILLS];
  unsigned kill_count;
  uint32_t refused;
  struct record exit_record, closed_record;
  bool failing; /* the start failed, and what was begun has to end before that is told */
};
extern struct keeper keeper;
struct death { bool by_signal, core; int which; uint8_t ended_by; };
void tell_runs(void);
void tell_exit(const struct death *death); /* NULL: the sandbox is gone, and nobody saw the end */
void failed_start(const char *step, int error);
int keep(const char *directory, int reply, mode_t umask_of_child); /* the life of one keeper; answers the exit code */
void begin_kill(int first_signal, uint32_t grace_ms);

/* ---- transport.c: the local half, towards the one inside ---- */
struct waiting { bool used, kill; uint32_t id, request, count; unsigned connection, generation; };
struct transport {
  bool used; /* this child is in a sandbox */
  enum { GREETED, ASKED, WENT, LIVES } stage; /* what was seen or sent last; GREETED: waiting for it */
  bool over; /* it says nothing any more, or nothing that counts */
  bool left; /* its own process is gone */
  int64_t judge_at, end_at, give_up_at, deadline_at; /* 0: not */
  size_t greeted;
  struct incoming in;
  struct outgoing out;
  struct waiting waiting[MAX_WAITING];
  unsigned waiting_count, waiting_kills;
  uint32_t last_id;
  uint64_t granted;
  unsigned stragglers;
  int log;
  size_t logged, words_length;
  char words[MAX_WORDS];
  const char *failed_step;
  int failed_error;
  char failed_name[24];
  struct record record;
  uint8_t hits; /* limits that were hit in there */
  bool hits_kept; /* that is on the disk */
};
extern struct transport transport;
void transport_open(void); /* before the fork: what to fork is in the spec */
void transport_look(struct pollfd *input, struct pollfd *output, struct pollfd *errors);
void transport_move(const struct pollfd *input, const struct pollfd *output, const struct pollfd *errors);
void transport_left(void); /* its process is dead */
void transport_failed(const char *step, int error);
void transport_request(struct connection *connection, uint32_t request, uint8_t type, const uint8_t *body, size_t length);
bool transport_kill(struct connection *connection, uint32_t request, int signal, uint32_t grace_ms); /* false: end it here */
int64_t transport_patience(void);
bool folder_is(const char *boot_id, const char *numbers, const char *path); /* same.c: false was told on standard error */
int inside(bool limited); /* inside.c: the other half; limited: it tells which limits were hit in there */

/* ---- hits.c ---- */
void hits_open(void);    /* finds the files to ask */
uint8_t hits_seen(void); /* HIT_MEMORY, HIT_PIDS: so far */

bool serve_open(void);
void serve_accept(void);
void serve_read(struct connection *connection);
void serve_flush(struct connection *connection);
void serve_grew(bool even_if_not_grown);
void serve_end(enum frame type, const struct record *record);
void serve_answer(unsigned connection, unsigned generation, uint32_t request, size_t taken, int failure);
void serve_answer_kills(void);
bool serve_remember_kill(unsigned connection, unsigned generation, uint32_t request);
void serve_leave(int64_t patience_ms);

/* ---- launcher.c, supervise.c ---- */
int launch(unsigned long open_files); /* the soft limit of children; 0: as it is */
int supervise(int argc, char **argv);

/* Crash points of the start, for the fault tests: a file "test_point" beside the child's directory says "STEP SIGNAL";
   the keeper that gets there writes its pid to "reached" and sends itself that signal. Not in ordinary builds. */
#ifdef HEARTH_TEST_POINTS
void test_point(int step);
#else
#define test_point(step) ((void)0)
#endif

#endif
