// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * The kernel's BPF instruction tests (lib/test_bpf.c) as JSON lines: classic and extended programs,
 * input data, and the value each run must give.
 *
 *     cd FOLDER; isa_cases > cases.jsonl
 *
 * Programs of more than 4096 instructions go to files of their own in the current folder, because
 * some have a million; the lines name them relative to it.
 *
 * The table is cut out of Debian's kernel source package when this is built: test_bpf_macros.h has
 * the BPF_* constructors of include/linux/filter.h, test_bpf_table.h the part of lib/test_bpf.c up
 * to the end of its table. Both are GPL-2.0, stay in the cache, and so does what this prints.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <linux/types.h>
#include <linux/bpf.h>
#include <linux/filter.h>
#include <linux/if_ether.h>

/* ---- the little of the kernel's world that the table's code needs ---- */

typedef uint8_t u8; typedef uint16_t u16; typedef uint32_t u32; typedef uint64_t u64;
typedef int8_t s8; typedef int16_t s16; typedef int32_t s32; typedef int64_t s64;
#define BIT(n) (1UL << (n))
#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define GFP_KERNEL 0
#define S32_MIN INT32_MIN
#define S32_MAX INT32_MAX
#define U32_MAX UINT32_MAX
#define S64_MIN INT64_MIN
#define S64_MAX INT64_MAX
#define U64_MAX UINT64_MAX
#define U16_MAX UINT16_MAX
#define S16_MAX INT16_MAX
#define S16_MIN INT16_MIN
#define KBUILD_MODNAME "test_bpf"
#define kmalloc_array(n, sz, f) calloc(n, sz)
#define kmalloc_objs(obj, n, ...) calloc(n, sizeof(obj))
#define kmalloc(sz, f) calloc(1, sz)
#define vmalloc(sz) calloc(1, sz)
#define kfree free
#define lower_32_bits(n) ((u32)(n))
#define upper_32_bits(n) ((u32)((u64)(n) >> 32))
#define div64_u64(a, b) ((u64)(a) / (u64)(b))
#define div64_s64(a, b) ((s64)(a) / (s64)(b))
#define div64_u64_rem(a, b, r) ({ *(r) = (u64)(a) % (u64)(b); (u64)(a) / (u64)(b); })
#define do_div(n, b) ({ u32 _r = (n) % (b); (n) /= (b); _r; })
#define max(a, b) ((a) > (b) ? (a) : (b))
#define min(a, b) ((a) < (b) ? (a) : (b))
#define abs64 llabs
#define __init
#define fallthrough __attribute__((fallthrough))
#define pr_err(...) fprintf(stderr, __VA_ARGS__)
#define cpu_to_be16(x) __builtin_bswap16(x)
#define cpu_to_be32(x) __builtin_bswap32(x)
#define cpu_to_be64(x) __builtin_bswap64(x)
#define cpu_to_le16(x) ((u16)(x))
#define cpu_to_le32(x) ((u32)(x))
#define cpu_to_le64(x) ((u64)(x))
#define swab16 __builtin_bswap16
#define swab32 __builtin_bswap32
#define swab64 __builtin_bswap64
#define prandom_u32() ((u32)random())
#define get_random_u32() ((u32)random())
#define ilog2(n) (63 - __builtin_clzll(n))
#define BUG_ON(c) do { if (c) abort(); } while (0)
/* A generator of our own: the one entry that draws from it is a plain sum, redone in main(). */
struct rnd_state { u64 s; };
static inline void prandom_seed_state(struct rnd_state *r, u64 seed) { r->s = seed; }
static inline u32 prandom_u32_state(struct rnd_state *r)
{
	r->s = r->s * 6364136223846793005ULL + 1442695040888963407ULL;
	return r->s >> 32;
}
#define __bpf_call_base ((char *)0)
#ifndef BPF_MAXINSNS
#define BPF_MAXINSNS 4096
#endif

/* The kernel defines only the one that holds; glibc defines both. */
#undef __BIG_ENDIAN

#include "test_bpf_macros.h"
#include "test_bpf_table.h"

static void hex(const char *name, const void *bytes, size_t length)
{
	const unsigned char *b = bytes;

	printf(",\"%s\":\"", name);
	for (size_t i = 0; i < length; i++)
		printf("%02x", b[i]);
	putchar('"');
}

/* Slots up to the last one that is not all zero. */
static unsigned classic_length(const struct bpf_test *t)
{
	unsigned len = MAX_INSNS - 1;

	while (len > 0 && !t->u.insns[len].code && !t->u.insns[len].k)
		len--;
	return len + 1;
}
static unsigned extended_length(const struct bpf_test *t)
{
	unsigned len = MAX_INSNS - 1;

	while (len > 0 && !t->u.insns_int[len].code && !t->u.insns_int[len].imm)
		len--;
	return len + 1;
}

/* What makes a test special, by bit of its flags from FLAG_NO_DATA up. */
static const char *const flag_names[] = {
	"no_data", "expected_fail", "skb_frag", "verifier_zext", "large_mem",
};

static int write_insns(unsigned test, const void *program, unsigned length)
{
	char path[32];
	FILE *file;

	if (length <= 4096) {
		hex("insns", program, length * 8UL);
		return 0;
	}
	snprintf(path, sizeof(path), "%04u.bin", test);
	printf(",\"insns_file\":\"%s\"", path);
	file = fopen(path, "wb");
	if (!file)
		return -1;
	fwrite(program, 8, length, file);
	return fclose(file);
}

int main(void)
{
	for (unsigned i = 0; i < ARRAY_SIZE(tests); i++) {
		struct bpf_test *t = &tests[i];
		bool classic = t->aux & CLASSIC;
		const void *program = classic ? (void *)t->u.insns : (void *)t->u.insns_int;
		unsigned length = classic ? classic_length(t) : extended_length(t);
		const char *comma = "";

		srandom(1);
		if (t->fill_helper) {
			if (t->fill_helper(t) < 0)
				continue;
			program = t->u.ptr.insns;
			length = t->u.ptr.len;
			if (t->fill_helper == bpf_fill_maxinsns3) {
				const struct sock_filter *filter = program;

				t->test[0].result = 0;
				for (unsigned j = 0; j + 1 < length; j++)
					t->test[0].result += filter[j].k;
			}
		}

		/* Names hold quotes and angle brackets at worst, never control characters. */
		printf("{\"name\":\"");
		for (const char *c = t->descr; *c; c++)
			printf(*c == '"' || *c == '\\' ? "\\%c" : "%c", *c);
		printf("\",\"isa\":\"%s\",\"flags\":[", classic ? "classic" : "ebpf");
		for (unsigned bit = 0; bit < ARRAY_SIZE(flag_names); bit++) {
			if (t->aux & BIT(bit)) {
				printf("%s\"%s\"", comma, flag_names[bit]);
				comma = ",";
			}
		}
		printf("],\"n_insns\":%u", length);
		if (t->aux & FLAG_EXPECTED_FAIL)
			printf(",\"expected_errno\":%d", -t->expected_errcode);
		if (write_insns(i, program, length)) {
			perror("instructions");
			return 1;
		}
		/* The whole buffer: each run sees its first bytes. */
		hex("data", t->data, MAX_DATA);
		if (t->aux & FLAG_SKB_FRAG)
			hex("frag_data", t->frag_data, MAX_DATA);
		printf(",\"runs\":[");
		for (unsigned s = 0; s < MAX_SUBTESTS; s++) {
			/* The table's runs end at the first all-zero one after the first. */
			if (t->aux & FLAG_EXPECTED_FAIL || (s && !t->test[s].data_size && !t->test[s].result))
				break;
			printf("%s{\"data_size\":%d,\"result\":%u}", s ? "," : "", t->test[s].data_size,
			       t->test[s].result);
		}
		printf("]}\n");
		if (t->fill_helper)
			free((void *)program);
	}
	return fflush(stdout) ? 1 : 0;
}
