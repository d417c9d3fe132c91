// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * Loaded before libc (LD_PRELOAD) into a program that calls bpf(2) through syscall(), as libbpf does:
 * writes the attributes of each call, as they are before it, to the file that $BPF_RECORD names, and
 * lets the call happen. One line a call: the command's number, then the attributes in hexadecimal.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>

static void record(long command, const unsigned char *attr, unsigned int size)
{
	const char *path = getenv("BPF_RECORD");
	FILE *out = path ? fopen(path, "a") : NULL;

	if (!out)
		return;
	fprintf(out, "%ld ", command);
	for (unsigned int i = 0; i < size; i++)
		fprintf(out, "%02x", attr[i]);
	fprintf(out, "\n");
	fclose(out);
}

long syscall(long number, ...)
{
	static long (*next)(long, ...);
	long arguments[6];
	va_list args;

	va_start(args, number);
	for (int i = 0; i < 6; i++)
		arguments[i] = va_arg(args, long);
	va_end(args);
	if (!next)
		next = (long (*)(long, ...))dlsym(RTLD_NEXT, "syscall");
	if (number == SYS_bpf)
		record(arguments[0], (const unsigned char *)arguments[1], arguments[2]);
	return next(number, arguments[0], arguments[1], arguments[2], arguments[3], arguments[4],
		    arguments[5]);
}
