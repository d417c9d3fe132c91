// SPDX-License-Identifier: (MIT OR GPL-2.0-only)
// Text: numbers read, strings compared, everything formatted, and what the helpers return for nonsense.
#include "results.h"

#define STR(text) text, sizeof(text) - 1

/* The text as it came out, eight bytes a result. */
struct line {
	char text[64];
};

struct line lines[64] SEC(".bss.lines");

SEC("syscall")
int numbers(void *ctx)
{
	long l;
	unsigned long u;

#define LONG(text, flags) \
	({ l = 42; results[__LINE__] = bpf_strtol(STR(text), flags, &l); results[__LINE__ + 100] = l; })
#define ULONG(text, flags) \
	({ u = 42; results[__LINE__] = bpf_strtoul(STR(text), flags, &u); results[__LINE__ + 100] = u; })
	LONG("123", 0);
	LONG("-123", 0);
	LONG("+5", 0);
	LONG("  \t-7x", 0);
	LONG("0x1f", 0);
	LONG("0X1Fg", 16);
	LONG("0x", 0);
	LONG("0xg", 16);
	LONG("017", 0);
	LONG("08", 0);
	LONG("12", 8);
	LONG("9", 8);
	LONG("ff", 16);
	LONG("9223372036854775807", 10);
	LONG("9223372036854775808", 10);
	LONG("-9223372036854775808", 10);
	LONG("-9223372036854775809", 10);
	LONG("18446744073709551616", 10);
	LONG("12", 3);
	LONG("12", 32);
	LONG("x", 0);
	LONG("-", 0);
	LONG(" ", 0);
	LONG("- 1", 0);
	LONG("1 2", 0);
	LONG("0000000000000000000000000000000000000000000000000000000000000000000000012", 10);
	LONG("\v1", 0);
	ULONG("123", 0);
	ULONG("-123", 0);
	ULONG("-0", 0);
	ULONG("0xffffffffffffffff", 0);
	ULONG("18446744073709551615", 0);
	ULONG("18446744073709551616", 0);
	ULONG("0b11", 0);
	ULONG("77", 8);
	ULONG("+77", 8);
	ULONG("1", 17);
	return 0;
}

SEC("syscall")
int compare(void *ctx)
{
	char text[8] = "abc";

	SAY(bpf_strncmp(text, 8, "abc"));
	SAY(bpf_strncmp(text, 8, "abd"));
	SAY(bpf_strncmp(text, 8, "abb"));
	SAY(bpf_strncmp(text, 2, "abx"));
	SAY(bpf_strncmp(text, 8, "ab"));
	SAY(bpf_strncmp(text, 8, "abcd"));
	text[1] = 0xe9;
	SAY(bpf_strncmp(text, 8, "abc"));
	return 0;
}

static __always_inline void show(int at, long length, char *text)
{
	results[at] = length;
	__builtin_memcpy(lines[at & 63].text, text, sizeof(lines[0].text));
}

/* Each use has its own line; only lines modulo 64 must not meet. */
#define PRINT(format, ...) \
	({ \
		char text[64] = "################"; \
		static const char constant[] = format; \
		__u64 values[] = { __VA_ARGS__ }; \
		show(__LINE__, bpf_snprintf(text, sizeof(text), constant, values, sizeof(values)), text); \
	})

SEC("syscall")
int formats(void *ctx)
{
	PRINT("%d %i %u", -1, 5, -1);
	PRINT("%ld %lld %lu %llu", -1, -2, -3, 4);
	PRINT("%x %X %lx %llX", 0xabcdef12345, 0xabc, 0xabcdef12345, 0xabcdef);
	PRINT("%5d|%-5d|%05d|%+d|% d", 42, 42, 42, 42, 42);
	PRINT("%c%c%%%c", 'a', 'b', 'c');
	PRINT("%8x|%-8x|%08x|%8X", 255, 255, 255, 255);
	PRINT("%5c|%-5c|", 'a', 'b');
	PRINT("%s", 0);
	PRINT("%d", 1, 2);
	PRINT("%5d%%", 1);
	PRINT("%20x|", 1);
	PRINT("%-020d|", 1);
	PRINT("%0-8d|", 1);
	PRINT("%+5d|%+-5d|% 5d|", 7, 7, 7);
	PRINT("tab\tend\n", 1);
	PRINT("%lu%ld", 1, 2);
	PRINT("%lx|%16lx|%-16lx|%016lx", 1, 2, 3, 4);
	PRINT("%0 d|", 9);
	PRINT("%-+6d|", 9);
	PRINT("%99d", 9);
	return 0;
}

SEC("syscall")
int addresses(void *ctx)
{
	__u8 v4[4] = { 192, 0, 2, 1 };
	__u8 v6[16] = { 0x20, 1, 0xd, 0xb8, [15] = 1 };
	char word[16] = "a word";

	PRINT("%pi4 %pI4", (long)v4, (long)v4);
	PRINT("%pi6", (long)v6);
	PRINT("%pI6", (long)v6);
	PRINT("%s|", (long)word);
	PRINT("%10s|", (long)word);
	PRINT("%-10s|", (long)word);
	PRINT("%2s|", (long)word);
	PRINT("%pks|", (long)word);
	PRINT("%s,%s", (long)word, (long)word);
	return 0;
}

/* The buffer is too small, or not there at all. */
SEC("syscall")
int short_buffers(void *ctx)
{
	static const char format[] = "%d-%d";
	__u64 values[2] = { 12345, 67890 };
	char text[8] = "zzzzzzz";

	SAY(bpf_snprintf(text, 6, format, values, sizeof(values)));
	SAY(*(__u64 *)text);
	SAY(bpf_snprintf(text, 1, format, values, sizeof(values)));
	SAY(*(__u64 *)text);
	return 0;
}

SEC("syscall")
int printing(void *ctx)
{
	static const char plain[] = "plain\n", one[] = "%d\n", bad[] = "%d %y", open[] = { '%', 'd' };
	static const char many[] = "%d %d %d %d %s";
	__u64 values[5] = { 1, 2, 3, 4, (long)plain };

	SAY(bpf_trace_printk(plain, sizeof(plain)));
	SAY(bpf_trace_printk(one, sizeof(one), -12345));
	SAY(bpf_trace_printk(bad, sizeof(bad), 1, 2));
	SAY(bpf_trace_printk(open, sizeof(open), 1));
	SAY(bpf_trace_printk(plain, sizeof(plain) - 1));
	SAY(bpf_trace_vprintk(many, sizeof(many), values, sizeof(values)));
	SAY(bpf_trace_vprintk(many, sizeof(many), values, 8));
	return 0;
}

/* The verifier reads constant formats itself; these are looked at when they are used. */
#define TRACE(format, ...) \
	({ \
		static const char text[] = format; \
		results[__LINE__] = bpf_trace_printk(text, sizeof(text), ##__VA_ARGS__); \
	})

SEC("syscall")
int odd_formats(void *ctx)
{
	TRACE("%#x", 255);
	TRACE("%hd", 1);
	TRACE("%hhx", 1);
	TRACE("%o", 8);
	TRACE("%f", 8);
	TRACE("%d %d %d %d", 1, 2, 3);
	TRACE("%", 1);
	TRACE("100%", 1);
	TRACE("%z", 1);
	TRACE("%.3d", 1);
	TRACE("%*d", 1, 2);
	TRACE("%l", 1);
	TRACE("%ll", 1);
	TRACE("%lll", 1);
	TRACE("%lc", 1);
	TRACE("%ls", 1);
	TRACE("%pI5", 1);
	TRACE("%pIx", 1);
	TRACE("%pi", 1);
	TRACE("%pB5", 1);
	TRACE("%px", 5);
	TRACE("%pks%d", 0, 1);
	TRACE("%pkx", 0);
	TRACE("%sx", 0);
	TRACE("%s", 0);
	TRACE("%dx", 12);
	TRACE("%cx", 65);
	TRACE("\x80", 65);
	TRACE("\x1b[m", 65);
	TRACE("%5", 65);
	TRACE("%-", 65);
	TRACE("%llllx", 65);
	TRACE("%i%%%u", 65, 66);
	TRACE("%d", 1, 2);
	TRACE("none");
	TRACE("");
	return 0;
}
