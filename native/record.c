/* The files of a child that say what it is and how it ended. */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "keeper.h"

/* ---- spec: NUL-terminated key=value, the last one is "end" ---- */

static char *read_whole(const char *file, size_t *size) {
  int fd = open(file, O_RDONLY | O_CLOEXEC);
  struct stat facts;
  if (fd < 0) return NULL;
  char *bytes = NULL;
  if (fstat(fd, &facts) == 0) {
    if (facts.st_size > MAX_SPEC) errno = E2BIG;
    else if (facts.st_size == 0) errno = EBADMSG;
    else bytes = malloc((size_t)facts.st_size);
  }
  size_t have = 0;
  while (bytes != NULL && have < (size_t)facts.st_size) {
    ssize_t got = read(fd, bytes + have, (size_t)facts.st_size - have);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) break;
    have += (size_t)got;
  }
  close(fd);
  *size = have;
  return bytes;
}

static const char *value_of(const char *entry, const char *key) {
  size_t length = strlen(key);
  return strncmp(entry, key, length) == 0 && entry[length] == '=' ? entry + length + 1 : NULL;
}

static bool copy(char *into, size_t size, const char *value) {
  size_t length = strlen(value);
  if (length == 0 || length >= size) return false;
  memcpy(into, value, length + 1);
  return true;
}

/* How many there are of each so far. */
struct counts { size_t args, vars, via_args, via_vars; };

static bool take_entry(struct spec *spec, char *entry, struct counts *counts) {
  const char *value;
  if ((value = value_of(entry, "arg")) != NULL) spec->argv[counts->args++] = entry + 4;
  else if ((value = value_of(entry, "env")) != NULL) spec->env[counts->vars++] = entry + 4;
  else if ((value = value_of(entry, "via_arg")) != NULL) spec->via_argv[counts->via_args++] = entry + 8;
  else if ((value = value_of(entry, "via_env")) != NULL) spec->via_env[counts->via_vars++] = entry + 8;
  else if ((value = value_of(entry, "via_cwd")) != NULL) spec->via_cwd = value;
  else if ((value = value_of(entry, "deadline")) != NULL) spec->deadline_ms = (uint32_t)strtoul(value, NULL, 10);
  else if ((value = value_of(entry, "mark")) != NULL) return copy(spec->mark, sizeof spec->mark, value);
  else if ((value = value_of(entry, "secret")) != NULL) return copy(spec->secret, sizeof spec->secret, value);
  else if ((value = value_of(entry, "cwd")) != NULL) spec->cwd = value;
  else if ((value = value_of(entry, "mode")) != NULL) spec->pty = strcmp(value, "pty") == 0;
  else if ((value = value_of(entry, "pty_fallback")) != NULL) spec->pty_fallback = strcmp(value, "1") == 0;
  else if ((value = value_of(entry, "rows")) != NULL) spec->rows = (unsigned)strtoul(value, NULL, 10);
  else if ((value = value_of(entry, "cols")) != NULL) spec->columns = (unsigned)strtoul(value, NULL, 10);
  else if ((value = value_of(entry, "quota")) != NULL) spec->quota = strtoull(value, NULL, 10);
  else if ((value = value_of(entry, "cgroup")) != NULL) return groups_keep(&spec->groups, value);
  else if ((value = value_of(entry, "cgroup_required")) != NULL) spec->groups.required = strcmp(value, "1") == 0;
  return true; /* facts and keys of later versions are the host's own business */
}

/* The one inside gets what makes its command, and nothing of what is between host and keeper. */
bool passed_inside(const char *entry) {
  static const char *const ours[] = {"id",      "created", "secret", "quota",  "fact",           "via_arg",
                                     "via_env", "via_cwd", "cgroup", "cgroup_required", "deadline"};
  for (size_t i = 0; i < sizeof ours / sizeof *ours; i++)
    if (value_of(entry, ours[i]) != NULL) return false;
  return true;
}

bool parse_spec(struct spec *spec, char *buffer, size_t size) {
  size_t entries = 0;
  struct counts counts = {0};
  *spec = (struct spec){.rows = 30, .columns = 120, .quota = 64ull << 20, .buffer = buffer, .size = size};
  if (size < 5 || memcmp(buffer + size - 5, "\0end", 5) != 0) return errno = EBADMSG, false;
  for (size_t i = 0; i < size; i++) entries += buffer[i] == 0;
  spec->argv = calloc(entries + 1, sizeof *spec->argv);
  spec->env = calloc(entries + 2, sizeof *spec->env);
  spec->via_argv = calloc(entries + 1, sizeof *spec->via_argv);
  spec->via_env = calloc(entries + 2, sizeof *spec->via_env);
  if (spec->argv == NULL || spec->env == NULL || spec->via_argv == NULL || spec->via_env == NULL) return false;
  for (char *at = buffer; at < buffer + size; at += strlen(at) + 1)
    if (!take_entry(spec, at, &counts)) return errno = EBADMSG, false;
  if (counts.args == 0 || spec->cwd == NULL || spec->mark[0] == 0) return errno = EBADMSG, false;
  if (counts.via_args > 0 && spec->via_cwd == NULL) return errno = EBADMSG, false;
  return true;
}

bool read_spec(struct spec *spec, const char *file) {
  size_t size = 0;
  char *buffer = read_whole(file, &size);
  if (buffer == NULL || !parse_spec(spec, buffer, size)) return false;
  if (spec->secret[0] == 0) return errno = EBADMSG, false;
  return true;
}

/* The mark identifies the child; it is the last entry, and no other of that name may stand before it. */
void mark_environment(struct spec *spec) {
  static char entry[sizeof spec->mark + 16];
  char **const environments[] = {spec->env, spec->via_env};
  snprintf(entry, sizeof entry, "HEARTH_MARK=%s", spec->mark);
  for (size_t which = 0; which < 2; which++) {
    char **env = environments[which];
    size_t kept = 0;
    for (size_t i = 0; env[i] != NULL; i++)
      if (strncmp(env[i], "HEARTH_MARK=", 12) != 0) env[kept++] = env[i];
    env[kept++] = entry;
    env[kept] = NULL;
  }
}

void release_spec(struct spec *spec) {
  free(spec->buffer);
  free(spec->argv);
  free(spec->env);
  free(spec->via_argv);
  free(spec->via_env);
  spec->buffer = NULL;
  spec->argv = spec->env = spec->via_argv = spec->via_env = NULL;
  spec->cwd = spec->via_cwd = NULL;
}

/* ---- the other records: one key=value per line, signed, the last line is "end" ---- */

void record_begin(struct record *record) { record->length = 0; }

void record_add(struct record *record, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  size_t room = sizeof record->text - record->length;
  int wrote = vsnprintf(record->text + record->length, room, format, arguments);
  va_end(arguments);
  if (wrote > 0 && (size_t)wrote < room) record->length += (size_t)wrote;
}

/* The name is part of what is signed, so that a closed record cannot pass for an exit record. */
void record_sign(struct record *record, const char *name, const char *secret) {
  char message[RECORD_SIZE + 32];
  uint8_t digest[32];
  int head = snprintf(message, 32, "%s\n", name);
  memcpy(message + head, record->text, record->length);
  hmac_sha256(secret, strlen(secret), message, (size_t)head + record->length, digest);
  record_add(record, "mac=");
  for (int i = 0; i < 32; i++) record_add(record, "%02x", digest[i]);
  record_add(record, "\nend\n");
}

/* Whatever a transport said: a line break is "\\n", and what else is no text becomes a point. */
void record_words(struct record *record, const char *words, size_t length) {
  char text[2 * MAX_WORDS + 1], *at = text;
  if (length == 0) return;
  for (size_t i = 0; i < length && i < MAX_WORDS; i++) {
    uint8_t byte = (uint8_t)words[i];
    if (byte == '\n' || byte == '\\') *at++ = '\\';
    *at++ = byte == '\n' ? 'n' : byte == '\t' ? ' ' : byte < 32 || byte == 127 ? '.' : (char)byte;
  }
  *at = 0;
  record_add(record, "words=%s\n", text);
}

int record_reserve(const char *name) {
  static const char zeros[RECORD_SIZE];
  int fd = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd < 0) return -1;
  if (write_all(fd, zeros, sizeof zeros)) return fd;
  int failure = errno;
  close(fd);
  errno = failure;
  return -1;
}

static bool make_durable(int fd) {
  int result;
  do result = fsync(fd);
  while (result != 0 && errno == EINTR);
  return result == 0;
}

bool record_fill(int fd, const struct record *record) {
  ssize_t wrote;
  do wrote = pwrite(fd, record->text, record->length, 0);
  while (wrote < 0 && errno == EINTR);
  return wrote == (ssize_t)record->length && make_durable(fd);
}

bool record_publish(const char *name, const struct record *record) {
  char aside[64];
  snprintf(aside, sizeof aside, "%s.new", name);
  int fd = open(aside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (fd < 0) return false;
  bool done = write_all(fd, record->text, record->length) && make_durable(fd);
  int failure = errno;
  if (close(fd) != 0 && done) return false;
  if (done && rename(aside, name) == 0) return true;
  if (!done) errno = failure;
  return false;
}
