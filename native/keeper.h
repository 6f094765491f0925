/* What the parts of the keeper share. Start reading at keeper.c; README.md has the map. */
#ifndef HEARTH_KEEPER_H
#define HEARTH_KEEPER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

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
};
enum { PROTOCOL_VERSION = 1 };

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
};
bool read_spec(struct spec *spec, const char *file);
void release_spec(struct spec *spec); /* what only the start needed */

struct record { char text[RECORD_SIZE]; size_t length; };
void record_begin(struct record *record);
void record_add(struct record *record, const char *format, ...) __attribute__((format(printf, 2, 3)));
void record_sign(struct record *record, const char *name, const char *secret);
int record_reserve(const char *name);                        /* an open file with its space allocated, or -1 */
bool record_fill(int fd, const struct record *record);       /* into reserved space, durable */
bool record_publish(const char *name, const struct record *record); /* written aside, durable, renamed */

/* ---- spool.c ---- */
struct spool { int fd; uint64_t length, first, start, segment, quota; int failure; };
bool spool_open(struct spool *spool, uint64_t quota);
size_t spool_write(struct spool *spool, const char *bytes, size_t count); /* short: failure says why */

/* ---- start.c ---- */
struct child {
  pid_t pid;
  int output, input, slave, gate, report;
  bool pty;
  uint64_t tick;
};
/* Opens pipes or a terminal and forks the gated child. On failure errno is set and step names what failed. */
bool child_fork(struct child *child, const struct spec *spec, mode_t umask_of_child, const char **step);
struct start_failure { int step, error; };
extern const char *const start_steps[];

/* ---- input.c ---- */
struct input { char *bytes; size_t begin, length; size_t line; bool end_wanted; };
size_t input_take(struct input *input, struct child *child, const char *bytes, size_t count, int *failure);
void input_drain(struct input *input, struct child *child);
void input_end(struct input *input, struct child *child);
void input_drop(struct input *input, struct child *child);

/* ---- tree.c ---- */
void tree_signal(int signal); /* to every descendant, deepest first */
unsigned tree_count(void);

/* ---- serve.c ---- */
struct connection {
  int fd;
  bool trusted, unacknowledged;
  uint64_t told, since;
  unsigned generation;
  uint8_t header[5];
  size_t have;
  uint8_t *body, *outgoing;
  size_t outgoing_length;
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
  int listener, exit_fd, closed_fd, reply, wake[2];
  bool best_effort;
  int unlimited; /* errno: why it is not in its control groups */
  bool starting, exited, output_ended, closed, no_children;
  char *held; /* output that the full disk did not take; NULL: none */
  size_t held_length;
  int64_t retry_at, close_at; /* 0: not closing */
  bool killing;
  int64_t insist_at, survivors_wait;
  struct kill_request kills[MAX_KILLS];
  unsigned kill_count;
  uint32_t refused;
  struct record exit_record, closed_record;
};
extern struct keeper keeper;
int keep(const char *directory, int reply, mode_t umask_of_child); /* the life of one keeper; answers the exit code */
void begin_kill(int first_signal, uint32_t grace_ms);

bool serve_open(void);
void serve_accept(void);
void serve_read(struct connection *connection);
void serve_flush(struct connection *connection);
void serve_grew(bool even_if_not_grown);
void serve_end(enum frame type, const struct record *record);
void serve_answer_kills(void);
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
