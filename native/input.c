/* What was typed and not yet taken: bounded, never waited for, and never silently lost. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "keeper.h"

static void shut(struct child *child) {
  if (child->input >= 0 && !child->pty) close(child->input);
  child->input = -1;
}

void input_drop(struct input *input, struct child *child) {
  free(input->bytes);
  *input = (struct input){0};
  shut(child);
}

static bool ends_line(const struct termios *modes, uint8_t byte) {
  if (byte == '\n' || (byte == '\r' && (modes->c_iflag & ICRNL))) return true;
  if (byte == _POSIX_VDISABLE) return false;
  if (byte == modes->c_cc[VEOF] || byte == modes->c_cc[VEOL] || byte == modes->c_cc[VKILL]) return true;
  return (modes->c_lflag & ISIG) &&
         (byte == modes->c_cc[VINTR] || byte == modes->c_cc[VQUIT] || byte == modes->c_cc[VSUSP]);
}

/* In line mode the kernel keeps the first 4,095 bytes of a line and drops the others without a word. So they are not
   taken: the answer says how many were, and the caller knows. */
static size_t room_in_line(struct input *input, const struct child *child, const char *bytes, size_t count) {
  struct termios modes;
  if (!child->pty || tcgetattr(child->output, &modes) != 0 || !(modes.c_lflag & ICANON)) {
    input->line = 0;
    return count;
  }
  for (size_t i = 0; i < count; i++) {
    if (ends_line(&modes, (uint8_t)bytes[i])) input->line = 0;
    else if (input->line == MAX_CANONICAL) return i;
    else input->line++;
  }
  return count;
}

static ssize_t write_now(const struct child *child, const char *bytes, size_t count) {
  ssize_t wrote;
  do wrote = write(child->input, bytes, count);
  while (wrote < 0 && errno == EINTR);
  if (wrote < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return 0;
  return wrote;
}

static bool put_aside(struct input *input, const char *bytes, size_t count) {
  if (input->begin > 0) memmove(input->bytes, input->bytes + input->begin, input->length);
  input->begin = 0;
  char *grown = realloc(input->bytes, input->length + count);
  if (grown == NULL) return false;
  memcpy(grown + input->length, bytes, count);
  input->bytes = grown;
  input->length += count;
  return true;
}

size_t input_take(struct input *input, struct child *child, const char *bytes, size_t count, int *failure) {
  *failure = 0;
  if (child->input < 0 || input->end_wanted) return *failure = EPIPE, 0;
  if (count > INPUT_ROOM - input->length) count = INPUT_ROOM - input->length;
  size_t line_before = input->line;
  count = room_in_line(input, child, bytes, count);
  size_t taken = 0;
  if (input->length == 0 && count > 0) {
    ssize_t wrote = write_now(child, bytes, count);
    if (wrote < 0) {
      *failure = errno;
      input_drop(input, child);
      return 0;
    }
    taken = (size_t)wrote;
  }
  if (taken == count || put_aside(input, bytes + taken, count - taken)) return count;
  input->line = line_before;
  return *failure = ENOMEM, taken;
}

void input_drain(struct input *input, struct child *child) {
  while (input->length > 0) {
    ssize_t wrote = write_now(child, input->bytes + input->begin, input->length);
    if (wrote < 0) return input_drop(input, child);
    if (wrote == 0) return;
    input->begin += (size_t)wrote;
    input->length -= (size_t)wrote;
  }
  free(input->bytes);
  input->bytes = NULL;
  input->begin = 0;
  if (input->end_wanted) shut(child);
}

void input_end(struct input *input, struct child *child) {
  struct termios modes;
  if (child->input < 0) return;
  if (!child->pty) {
    input->end_wanted = true;
    return input_drain(input, child);
  }
  char end[2] = {4, 4};
  size_t count = 1;
  if (tcgetattr(child->output, &modes) == 0) {
    if (modes.c_cc[VEOF] != _POSIX_VDISABLE) end[0] = end[1] = (char)modes.c_cc[VEOF];
    /* In the middle of a line the first one only hands over what is there; the second says the end. */
    if ((modes.c_lflag & ICANON) && input->line > 0) count = 2;
  }
  input->line = 0;
  if (put_aside(input, end, count)) input_drain(input, child);
}
