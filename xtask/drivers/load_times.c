// SPDX-License-Identifier: MIT OR Apache-2.0
/* Loads each program of each object by itself and prints how long the kernel's BPF_PROG_LOAD took, least
 * of so many times; nothing is attached. One line a program: object, program, error number, nanoseconds;
 * separated by tabs.
 *
 * libbpf says what is to be loaded by its calls of syscall(), which this program answers in libc's
 * stead: the load of the program that is asked for is repeated, without a log. */
#define _GNU_SOURCE
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static const char *wanted;
static int rounds = 1;
static unsigned long least;

static long ask(long number, long a, long b, long c, long d, long e, long f)
{
	register long r10 __asm__("r10") = d, r8 __asm__("r8") = e, r9 __asm__("r9") = f;
	long result;

	__asm__ volatile("syscall"
			 : "=a"(result)
			 : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
			 : "rcx", "r11", "memory");
	if (result < 0 && result > -4096) {
		errno = -result;
		return -1;
	}
	return result;
}

static unsigned long now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec * 1000000000UL + time.tv_nsec;
}

static void measure_load(union bpf_attr attr, long size)
{
	attr.log_level = attr.log_size = attr.log_buf = 0;
	for (int round = 0; round < rounds; round++) {
		unsigned long start = now(), took;
		long loaded = ask(SYS_bpf, BPF_PROG_LOAD, (long)&attr, size, 0, 0, 0);

		took = now() - start;
		if (loaded < 0)
			return;
		close(loaded);
		if (took < least)
			least = took;
	}
}

long syscall(long number, ...)
{
	va_list rest;
	long at[6];

	va_start(rest, number);
	for (int argument = 0; argument < 6; argument++)
		at[argument] = va_arg(rest, long);
	va_end(rest);
	if (number == SYS_bpf && at[0] == BPF_PROG_LOAD && wanted) {
		union bpf_attr attr = { 0 };

		memcpy(&attr, (void *)at[1], (size_t)at[2] < sizeof(attr) ? (size_t)at[2] : sizeof(attr));
		if (!strncmp(attr.prog_name, wanted, sizeof(attr.prog_name) - 1))
			measure_load(attr, at[2]);
	}
	return ask(number, at[0], at[1], at[2], at[3], at[4], at[5]);
}

static int silent(enum libbpf_print_level level, const char *format, va_list rest)
{
	(void)level, (void)format, (void)rest;
	return 0;
}

/* Maps whose size is left to the tool that loads them have one entry, or page. */
static void give_size(struct bpf_map *map)
{
	if (bpf_map__max_entries(map) || bpf_map__type(map) == BPF_MAP_TYPE_PERF_EVENT_ARRAY)
		return;
	bpf_map__set_max_entries(map, bpf_map__type(map) == BPF_MAP_TYPE_RINGBUF ? 4096 : 1);
}

static void measure(const char *path, const char *name)
{
	struct bpf_object *object = bpf_object__open(path);
	struct bpf_program *program;
	struct bpf_map *map;
	int error;

	if (!object)
		return;
	bpf_object__for_each_map(map, object)
		give_size(map);
	bpf_object__for_each_program(program, object)
		bpf_program__set_autoload(program, !strcmp(bpf_program__name(program), name));
	wanted = name;
	least = -1UL;
	error = bpf_object__load(object);
	wanted = NULL;
	bpf_object__close(object);
	if (!error && least == -1UL)
		error = -ENOENT;
	printf("%s\t%s\t%d\t%lu\n", path, name, error < 0 ? -error : 0, least);
}

int main(int count, char **arguments)
{
	rounds = count > 1 ? atoi(arguments[1]) : 1;
	libbpf_set_print(silent);
	for (int at = 2; at < count; at++) {
		struct bpf_object *object = bpf_object__open(arguments[at]);
		struct bpf_program *program;

		if (!object)
			continue;
		bpf_object__for_each_program(program, object)
			measure(arguments[at], bpf_program__name(program));
		bpf_object__close(object);
	}
	return 0;
}
