// SPDX-License-Identifier: MIT OR Apache-2.0
/* Loads each object given and says what the kernel's verifier made of it; nothing is attached.
 * One line each: error number, a space, the log with its line breaks as \n. */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

static char log_text[1 << 24];

static int silent(enum libbpf_print_level level, const char *format, va_list rest)
{
	(void)level, (void)format, (void)rest;
	return 0;
}

static int load(const char *path)
{
	struct bpf_object *object = bpf_object__open(path);
	struct bpf_program *program;
	int error;

	if (!object)
		return errno;
	bpf_object__for_each_program(program, object) {
		bpf_program__set_log_buf(program, log_text, sizeof(log_text));
		bpf_program__set_log_level(program, 1);
	}
	error = bpf_object__load(object);
	bpf_object__close(object);
	return error < 0 ? -error : 0;
}

int main(int count, char **paths)
{
	libbpf_set_print(silent);
	for (int at = 1; at < count; at++) {
		log_text[0] = 0;
		printf("%d ", load(paths[at]));
		for (const char *c = log_text; *c; c++)
			if (*c == '\n')
				fputs("\\n", stdout);
			else
				putchar(*c);
		putchar('\n');
	}
	return 0;
}
