// SPDX-License-Identifier: (MIT OR GPL-2.0-only)
// Arithmetic where machines differ: division by nothing, shifts by too much, halves of registers, atomics.
#include "results.h"

/* Numbers that break things, chosen by the packet's length so that no compiler folds them. */
static const __u64 odd[16] = {
	0, 1, 2, 7, 31, 32, 63, 64, 0x7fffffff, 0x80000000, 0xffffffff, 0x100000000,
	0x7fffffffffffffff, 0x8000000000000000, 0xfffffffffffffffe, 0xffffffffffffffff,
};

#define PAIR(ctx) \
	__u64 size = (ctx)->data_end - (ctx)->data; \
	__u64 a = odd[size & 15], b = odd[(size >> 4 ^ results[0]) & 15]; \
	results[0]++

/* One instruction on whole registers or their lower halves. */
#define WIDE(op) ({ __u64 x = a, y = b; asm volatile("%0 " op " %1" : "+r"(x) : "r"(y)); x; })
#define HALF(op) \
	({ \
		register __u64 x asm("r7") = a; \
		register __u64 y asm("r8") = b; \
		asm volatile("w7 " op " w8" : "+r"(x) : "r"(y)); \
		x; \
	})

SEC("xdp")
int binary(struct xdp_md *ctx)
{
	PAIR(ctx);
	SAY(WIDE("+="));
	SAY(WIDE("-="));
	SAY(WIDE("*="));
	SAY(WIDE("/="));
	SAY(WIDE("%%="));
	SAY(WIDE("|="));
	SAY(WIDE("&="));
	SAY(WIDE("^="));
	SAY(WIDE("<<="));
	SAY(WIDE(">>="));
	SAY(WIDE("s>>="));
	SAY(WIDE("="));
	SAY(HALF("+="));
	SAY(HALF("-="));
	SAY(HALF("*="));
	SAY(HALF("/="));
	SAY(HALF("%%="));
	SAY(HALF("|="));
	SAY(HALF("&="));
	SAY(HALF("^="));
	SAY(HALF("<<="));
	SAY(HALF(">>="));
	SAY(HALF("s>>="));
	SAY(HALF("="));
	return a + b;
}

#define ALONE(op) ({ register __u64 x asm("r7") = a; asm volatile(op : "+r"(x)); x; })

SEC("xdp")
int alone(struct xdp_md *ctx)
{
	PAIR(ctx);
	SAY(ALONE("r7 = -r7"));
	SAY(ALONE("w7 = -w7"));
	SAY(ALONE("r7 = be16 r7"));
	SAY(ALONE("r7 = be32 r7"));
	SAY(ALONE("r7 = be64 r7"));
	SAY(ALONE("r7 = le16 r7"));
	SAY(ALONE("r7 = le32 r7"));
	SAY(ALONE("r7 = le64 r7"));
	SAY(ALONE("r7 += -1"));
	SAY(ALONE("w7 += -1"));
	SAY(ALONE("r7 /= -3"));
	SAY(ALONE("w7 /= -3"));
	SAY(ALONE("r7 %%= -3"));
	SAY(ALONE("w7 %%= -3"));
	SAY(ALONE("r7 *= -3"));
	SAY(ALONE("w7 *= -3"));
	SAY(ALONE("r7 &= -256"));
	SAY(ALONE("w7 &= -256"));
	SAY(ALONE("r7 |= -256"));
	SAY(ALONE("r7 ^= -1"));
	SAY(ALONE("r7 s>>= 63"));
	SAY(ALONE("w7 s>>= 31"));
	SAY(ALONE("r7 = -1"));
	SAY(ALONE("w7 = -1"));
	SAY(ALONE("w7 = w7"));
	return b;
}

#define JUMPS(condition) \
	({ \
		register __u64 x asm("r7") = a; \
		register __u64 y asm("r8") = b; \
		register __u64 taken asm("r9") = 1; \
		asm volatile("if " condition " goto +1\nr9 = 0" : "+r"(taken) : "r"(x), "r"(y)); \
		taken; \
	})

SEC("xdp")
int conditions(struct xdp_md *ctx)
{
	PAIR(ctx);
	SAY(JUMPS("r7 == r8"));
	SAY(JUMPS("r7 != r8"));
	SAY(JUMPS("r7 > r8"));
	SAY(JUMPS("r7 >= r8"));
	SAY(JUMPS("r7 < r8"));
	SAY(JUMPS("r7 <= r8"));
	SAY(JUMPS("r7 s> r8"));
	SAY(JUMPS("r7 s>= r8"));
	SAY(JUMPS("r7 s< r8"));
	SAY(JUMPS("r7 s<= r8"));
	SAY(JUMPS("r7 & r8"));
	SAY(JUMPS("w7 == w8"));
	SAY(JUMPS("w7 != w8"));
	SAY(JUMPS("w7 > w8"));
	SAY(JUMPS("w7 >= w8"));
	SAY(JUMPS("w7 < w8"));
	SAY(JUMPS("w7 <= w8"));
	SAY(JUMPS("w7 s> w8"));
	SAY(JUMPS("w7 s>= w8"));
	SAY(JUMPS("w7 s< w8"));
	SAY(JUMPS("w7 s<= w8"));
	SAY(JUMPS("w7 & w8"));
	SAY(JUMPS("r7 > -1"));
	SAY(JUMPS("r7 s> -1"));
	SAY(JUMPS("w7 > -2"));
	SAY(JUMPS("w7 s< -1"));
	return 0;
}

__u64 cell;
__u32 small;

SEC("xdp")
int atomics(struct xdp_md *ctx)
{
	PAIR(ctx);
	SAY(__sync_fetch_and_add(&cell, a));
	SAY(__sync_fetch_and_or(&cell, b));
	SAY(__sync_fetch_and_xor(&cell, a + 3));
	SAY(__sync_fetch_and_and(&cell, b | 0xff));
	SAY(__sync_lock_test_and_set(&cell, a));
	SAY(__sync_val_compare_and_swap(&cell, a, b));
	SAY(__sync_val_compare_and_swap(&cell, a ^ 1, 5));
	SAY(cell);
	SAY(__sync_fetch_and_add(&small, (__u32)a));
	SAY(__sync_fetch_and_or(&small, (__u32)b));
	SAY(__sync_fetch_and_xor(&small, (__u32)a + 3));
	SAY(__sync_fetch_and_and(&small, (__u32)b | 0xff));
	SAY(__sync_lock_test_and_set(&small, (__u32)a));
	SAY(__sync_val_compare_and_swap(&small, (__u32)a, (__u32)b));
	SAY(__sync_val_compare_and_swap(&small, (__u32)a ^ 1, 5));
	SAY(small);
	return 0;
}

/* Bytes, halves and words through memory, some not aligned. */
SEC("xdp")
int memory(struct xdp_md *ctx)
{
	volatile __u64 word;
	PAIR(ctx);

	word = a;
	SAY(*(volatile __u8 *)&word);
	SAY(*((volatile __u16 *)&word + 3));
	SAY(*((volatile __u32 *)&word + 1));
	*((volatile __u8 *)&word + 5) = b;
	*(volatile __u16 *)&word = b >> 8;
	SAY(word);
	return 0;
}
